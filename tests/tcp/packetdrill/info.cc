// SPDX-License-Identifier: Apache-2.0
#include "tcp/packetdrill/info.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <utility>

namespace sluice::test::pkt {
namespace {

constexpr int64_t infinite_threshold = 0x7fffffff;

int64_t linux_state(const tcp::Conn* c) {
  if (c == nullptr) return TCP_CLOSE;
  switch (c->state()) {
    case tcp::State::SynSent:
      return TCP_SYN_SENT;
    case tcp::State::SynReceived:
      return TCP_SYN_RECV;
    case tcp::State::Established:
      return TCP_ESTABLISHED;
    case tcp::State::FinWait1:
      return TCP_FIN_WAIT1;
    case tcp::State::FinWait2:
      return TCP_FIN_WAIT2;
    case tcp::State::Closing:
      return TCP_CLOSING;
    case tcp::State::TimeWait:
      return TCP_TIME_WAIT;
    case tcp::State::CloseWait:
      return TCP_CLOSE_WAIT;
    case tcp::State::LastAck:
      return TCP_LAST_ACK;
    default:
      return TCP_CLOSE;
  }
}

std::optional<int64_t> constant_of_info(std::string_view name) {
  constexpr std::pair<std::string_view, int64_t> known[] = {
      {"TCP_CA_Open", 0},
      {"TCP_CA_Disorder", 1},
      {"TCP_CA_CWR", 2},
      {"TCP_CA_Recovery", 3},
      {"TCP_CA_Loss", 4},
      {"TCPI_OPT_TIMESTAMPS", 1},
      {"TCPI_OPT_SACK", 2},
      {"TCPI_OPT_WSCALE", 4},
      {"TCPI_OPT_ECN", 8},
      {"TCPI_OPT_ECN_SEEN", 16},
      {"TCPI_OPT_SYN_DATA", 32},
      {"TCP_INFINITE_SSTHRESH", infinite_threshold},
      {"TCP_ESTABLISHED", TCP_ESTABLISHED},
      {"TCP_SYN_SENT", TCP_SYN_SENT},
      {"TCP_SYN_RECV", TCP_SYN_RECV},
      {"TCP_FIN_WAIT1", TCP_FIN_WAIT1},
      {"TCP_FIN_WAIT2", TCP_FIN_WAIT2},
      {"TCP_TIME_WAIT", TCP_TIME_WAIT},
      {"TCP_CLOSE", TCP_CLOSE},
      {"TCP_CLOSE_WAIT", TCP_CLOSE_WAIT},
      {"TCP_LAST_ACK", TCP_LAST_ACK},
      {"TCP_LISTEN", TCP_LISTEN},
      {"TCP_CLOSING", TCP_CLOSING},
  };
  for (const auto& [n, v] : known)
    if (n == name) return v;
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> tcp_info(const tcp::Conn* c, const tcp::Options& o, std::string_view name) {
  if (const auto v = constant_of_info(name)) return v;
  if (name == "tcpi_state") return linux_state(c);
  if (c == nullptr) return std::nullopt;
  const uint32_t mss = std::max(c->mss(), 1u);
  if (name == "tcpi_snd_cwnd") return c->congestion().window() / mss;
  if (name == "tcpi_snd_ssthresh") {
    const uint32_t t = c->congestion().threshold();
    return t == UINT32_MAX ? infinite_threshold : int64_t{t / mss};
  }
  if (name == "tcpi_snd_mss") return mss;
  if (name == "tcpi_unacked") return static_cast<int64_t>((c->snd_nxt() - c->snd_una() + mss - 1) / mss);
  if (name == "tcpi_rtt") return c->rtt().srtt().us();
  if (name == "tcpi_rto") return c->rtt().rto(o).us();
  return std::nullopt;
}

}  // namespace sluice::test::pkt
