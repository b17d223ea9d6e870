// SPDX-License-Identifier: Apache-2.0
#include "app/load/flood.h"

#include <cstring>

#include "app/load/sum.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include "wire/tuple.h"

namespace sluice::load {
namespace {

constexpr size_t l2 = wire::Ethernet::header_len, l4 = l2 + wire::Ip4::min_header_len;
constexpr uint8_t options = 4;  // octets
constexpr size_t tcp_length = wire::Tcp::header_len + options;
static_assert(l4 + tcp_length <= Flood::length);

}  // namespace

Flood::Flood(const Mac& src, const Mac& dst, Ip4Addr server, Port port, const Prefix& sources)
    : network_{sources.addr.v4().v & Ip4Addr::mask(sources.length).v},
      hosts_{~Ip4Addr::mask(sources.length).v} {
  uint8_t* p = octets_.data();
  const auto tcp = static_cast<uint8_t>(IpProto::Tcp);
  wire::Ethernet::emit(p, dst, src, wire::EtherType::Ip4);
  wire::Ip4::emit(p + l2,
                  {.total_length = wire::Ip4::min_header_len + tcp_length,
                   .dont_fragment = true,
                   .proto = tcp,
                   .src = {},
                   .dst = server},
                  false);
  wire::Tcp::emit(p + l4, {.src = {},
                           .dst = port,
                           .seq = {},
                           .ack = {},
                           .flags = wire::tcp_flag::syn,
                           .window = {64'240},
                           .options = options});
  p[l4 + 20] = 2, p[l4 + 21] = 4;  // MSS, RFC 9293 §3.7.1
  store_be<uint16_t>(p + l4 + 22, 1460);
  ip_sum_ = wire::Sum{}.add(Bytes{p + l2, wire::Ip4::min_header_len}).folded();
  tcp_sum_ = wire::pseudo_header(Ip4Addr{}, server, tcp, tcp_length).add(Bytes{p + l4, tcp_length}).folded();
}

void Flood::write(uint8_t* out, Rng& rng) const {
  const uint64_t a = rng(), b = rng();
  const Ip4Addr src{network_ | (static_cast<uint32_t>(a) & hosts_)};
  const auto port = static_cast<uint16_t>(1024 + (a >> 32) % 64'512);
  const auto seq = static_cast<uint32_t>(b);
  std::memcpy(out, octets_.data(), length);
  src.store(out + l2 + 12);
  store_be(out + l2 + 10, checksum(ip_sum_ + words(src.v)));
  store_be(out + l4, port);
  store_be(out + l4 + 4, seq);
  store_be(out + l4 + wire::Tcp::checksum_at, checksum(tcp_sum_ + words(src.v) + port + words(seq)));
}

}  // namespace sluice::load
