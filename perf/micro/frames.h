// SPDX-License-Identifier: Apache-2.0
// Frames of the clients that a bench pretends to be, built right so that nothing is measured that drops them.
#pragma once

#include <cstring>
#include <string_view>

#include "base/check.h"
#include "buf/pool.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcp.h"
#include "wire/tcp_options.h"
#include "wire/tuple.h"
#include "wire/udp.h"

namespace sluice::perf {

constexpr Mac our_mac{{2, 0, 0, 0, 0, 1}}, our_far_mac{{2, 0, 0, 0, 0, 2}};
constexpr Mac client_mac{{2, 0, 0, 0, 0, 0x99}}, far_mac{{2, 0, 0, 0, 0, 0x77}};
constexpr Ip4Addr us = Ip4Addr::of(198, 18, 0, 1);       // on port 0, 198.18.0.0/16
constexpr Ip4Addr us_far = Ip4Addr::of(198, 19, 0, 1);   // on port 1, 198.19.0.0/24
constexpr Ip4Addr client = Ip4Addr::of(198, 18, 0, 9);   // all clients' MAC is client_mac
constexpr Ip4Addr gateway = Ip4Addr::of(198, 19, 0, 7);  // on port 1
constexpr Ip4Addr other_gateway = Ip4Addr::of(198, 19, 0, 8);
constexpr Ip6Addr us6 = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 1);      // on port 0, 2001:2:0:1::/64
constexpr Ip6Addr us6_far = Ip6Addr::of(0x2001, 2, 0, 2, 0, 0, 0, 1);  // on port 1, 2001:2:0:2::/64
constexpr Ip6Addr client6 = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 9);
constexpr Ip6Addr gateway6 = Ip6Addr::of(0x2001, 2, 0, 2, 0, 0, 0, 7);  // on port 1
constexpr Ip6Addr other_gateway6 = Ip6Addr::of(0x2001, 2, 0, 2, 0, 0, 0, 8);

// Where the nth route leads: networks of 24 bits from 20.0.0.0 on, of 48 from 2a00:: on.
constexpr Ip4Addr network(size_t n) {
  return Ip4Addr{Ip4Addr::of(20, 0, 0, 0).v + (static_cast<uint32_t>(n) << 8)};
}
constexpr Ip6Addr network6(size_t n, uint16_t host = 0) {
  return Ip6Addr::of(0x2a00, static_cast<uint16_t>(n >> 16), static_cast<uint16_t>(n), 0, 0, 0, 0, host);
}

// A frame of `length` octets of IP payload, its Ethernet and IP headers written; `payload` is where to write.
inline buf::Packet ip_frame(buf::PacketPool& pool, Ip4Addr src, Ip4Addr dst, IpProto proto, size_t length,
                            uint8_t*& payload) {
  buf::Packet p = pool.alloc();
  check(static_cast<bool>(p), "the bench has packets");
  constexpr size_t headers = wire::Ethernet::header_len + wire::Ip4::min_header_len;
  uint8_t* frame = p.append(static_cast<uint16_t>(headers + length));
  check(frame != nullptr, "a frame fits a packet");
  wire::Ethernet::emit(frame, our_mac, client_mac, wire::EtherType::Ip4);
  wire::Ip4::emit(frame + wire::Ethernet::header_len,
                  {.total_length = static_cast<uint16_t>(wire::Ip4::min_header_len + length),
                   .dont_fragment = true,
                   .proto = static_cast<uint8_t>(proto),
                   .src = src,
                   .dst = dst});
  payload = frame + headers;
  return p;
}

inline buf::Packet udp_frame(buf::PacketPool& pool, Ip4Addr src, Ip4Addr dst, Port sport, Port dport,
                             Bytes text) {
  const size_t length = wire::Udp::header_len + text.size();
  uint8_t* b = nullptr;
  buf::Packet p = ip_frame(pool, src, dst, IpProto::Udp, length, b);
  wire::Udp::emit(b, sport, dport, static_cast<uint16_t>(length));
  if (!text.empty()) std::memcpy(b + wire::Udp::header_len, text.data(), text.size());
  const uint16_t sum =
      wire::pseudo_header(src, dst, 17, static_cast<uint32_t>(length)).add(Bytes{b, length}).checksum();
  store_be<uint16_t>(b + wire::Udp::checksum_at, sum == 0 ? 0xffff : sum);
  return p;
}

// A datagram without text, of 66 octets with the frame check sequence.
inline buf::Packet udp6_frame(buf::PacketPool& pool, const Ip6Addr& src, const Ip6Addr& dst, Port sport,
                              Port dport) {
  buf::Packet p = pool.alloc();
  check(static_cast<bool>(p), "the bench has packets");
  constexpr size_t headers = wire::Ethernet::header_len + wire::Ip6::header_len;
  uint8_t* frame = p.append(headers + wire::Udp::header_len);
  check(frame != nullptr, "a frame fits a packet");
  wire::Ethernet::emit(frame, our_mac, client_mac, wire::EtherType::Ip6);
  wire::Ip6::emit(
      frame + wire::Ethernet::header_len,
      {.payload_length = wire::Udp::header_len, .next_header = 17, .hop_limit = 64, .src = src, .dst = dst});
  uint8_t* udp = frame + headers;
  wire::Udp::emit(udp, sport, dport, wire::Udp::header_len);
  const uint16_t sum = wire::pseudo_header(src, dst, 17, wire::Udp::header_len)
                           .add(Bytes{udp, wire::Udp::header_len})
                           .checksum();
  store_be<uint16_t>(udp + wire::Udp::checksum_at, sum == 0 ? 0xffff : sum);
  return p;
}

inline buf::Packet tcp_frame(buf::PacketPool& pool, Ip4Addr src, Ip4Addr dst, wire::Tcp::Value v,
                             const wire::TcpOptions& options, std::string_view text = {}) {
  v.options = options.size();
  const size_t header = wire::Tcp::header_len + v.options, length = header + text.size();
  uint8_t* b = nullptr;
  buf::Packet p = ip_frame(pool, src, dst, IpProto::Tcp, length, b);
  wire::Tcp::emit(b, v);
  options.emit(b + wire::Tcp::header_len);
  if (!text.empty()) std::memcpy(b + header, text.data(), text.size());
  const auto n = static_cast<uint32_t>(length);
  store_be<uint16_t>(b + wire::Tcp::checksum_at,
                     wire::pseudo_header(src, dst, 6, n).add(Bytes{b, length}).checksum());
  return p;
}

}  // namespace sluice::perf
