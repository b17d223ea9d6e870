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

std::optional<int64_t> tcp_info(const tcp::Conn* c, std::string_view name) {
  if (const auto v = constant_of_info(name)) return v;
  if (name == "tcpi_state") return linux_state(c);
  if (c == nullptr) return std::nullopt;
  const tcp::Info i = c->info();
  const uint32_t mss = std::max(i.mss, 1u);
  if (name == "tcpi_snd_cwnd") return i.cwnd / mss;
  if (name == "tcpi_snd_ssthresh")
    return i.ssthresh == UINT32_MAX ? infinite_threshold : int64_t{i.ssthresh / mss};
  if (name == "tcpi_snd_mss") return mss;
  if (name == "tcpi_unacked") return (i.in_flight + mss - 1) / mss;
  if (name == "tcpi_total_retrans") return i.retransmits;
  if (name == "tcpi_rtt") return i.srtt.us();
  if (name == "tcpi_rttvar") return i.rttvar.us();
  if (name == "tcpi_rto") return i.rto.us();
  if (name == "tcpi_min_rtt") return i.least_rtt.us();
  if (name == "tcpi_options") return (i.timestamps ? 1 : 0) | (i.sack ? 2 : 0) | (i.ecn ? 8 : 0);
  // Of Linux's states we have two; Disorder, CWR and Loss are its own bookkeeping.
  if (name == "tcpi_ca_state") return i.recovering ? 3 : 0;
  return std::nullopt;
}

}  // namespace sluice::test::pkt
