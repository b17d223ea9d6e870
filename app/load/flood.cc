// SPDX-License-Identifier: Apache-2.0
#include "app/load/flood.h"

#include <algorithm>
#include <cstring>

#include "wire/checksum.h"
#include "wire/tuple.h"

namespace sluice::load {
namespace {

constexpr auto proto = static_cast<uint8_t>(IpProto::Tcp);
constexpr uint16_t least = 60;  // octets of an Ethernet frame without its check sequence

}  // namespace

Flood::Flood(const Mac& src, const Mac& dst, const IpAddr& server, Port port, const Prefix& sources)
    : headers_{src, dst, server.is_v4(), proto},
      server_{server},
      network_{number_of(sources.addr) & ~hosts_of(sources)},
      hosts_{hosts_of(sources)} {
  uint8_t* p = tcp_.data();
  wire::Tcp::emit(p, {.src = {},
                      .dst = port,
                      .seq = {},
                      .ack = {},
                      .flags = wire::tcp_flag::syn,
                      .window = {64'240},
                      .options = options});
  p[20] = 2, p[21] = 4;  // MSS, RFC 9293 §3.7.1
  store_be<uint16_t>(p + 22, server.is_v4() ? 1460 : 1440);
  tcp_sum_ = proto + uint64_t{tcp_length} + wire::Sum{}.add(Bytes{tcp_}).folded();
}

uint16_t Flood::length() const { return std::max<uint16_t>(least, headers_.size() + tcp_length); }

void Flood::write(uint8_t* out, Rng& rng) const {
  const uint64_t a = rng(), b = rng(), c = rng();
  const IpAddr src = address_of(network_ | ((Number{a} << 64 | b) & hosts_));
  const auto port = static_cast<uint16_t>(1024 + (c >> 32) % 64'512);
  const auto seq = static_cast<uint32_t>(c);
  const uint64_t addresses = headers_.write(out, src, server_, tcp_length);
  uint8_t* tcp = out + headers_.size();
  std::memcpy(tcp, tcp_.data(), tcp_.size());
  std::fill(tcp + tcp_length, out + length(), uint8_t{0});
  store_be(tcp, port);
  store_be(tcp + 4, seq);
  store_be(tcp + wire::Tcp::checksum_at, checksum(tcp_sum_ + addresses + port + words(seq)));
}

}  // namespace sluice::load
