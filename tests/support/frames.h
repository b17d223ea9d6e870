// SPDX-License-Identifier: Apache-2.0
// Frames and datagrams by name, with defaults that are right, so that a test's line shows only what matters;
// and a fixture that counts packets back to where they were.
#pragma once

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "buf/interface.h"
#include "support/eal.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/tuple.h"
#include "wire/udp.h"

namespace sluice::test {

using Octets = std::vector<uint8_t>;

constexpr Mac mac(uint8_t last) { return {{2, 0, 0, 0, 0, last}}; }
constexpr Mac our_mac = mac(1);
constexpr Mac peer_mac = mac(0x99);
constexpr Ip4Addr us = Ip4Addr::of(198, 18, 0, 1);      // on port 0, 198.18.0.0/24
constexpr Ip4Addr us_wan = Ip4Addr::of(198, 19, 0, 1);  // on port 1, 198.19.0.0/24
constexpr Ip4Addr peer = Ip4Addr::of(198, 18, 0, 9);
constexpr Ip4Addr far = Ip4Addr::of(198, 19, 0, 7);

// Two ports, as above; the devices can do nothing for us.
inline std::vector<buf::Interface> two_ports() {
  std::vector<buf::Interface> ports(2);
  ports[0] = {{.mac = our_mac}, {{us, 24}}};
  ports[1] = {{.mac = mac(2)}, {{us_wan, 24}}};
  return ports;
}

inline Octets join(Octets a, Bytes b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct Ip4Spec {
  Ip4Addr src = peer, dst = us;
  IpProto proto = IpProto::Udp;
  uint8_t ttl = 64, tos = 0;
  bool dont_fragment = false;
  uint16_t fragment = 0;  // the flags and offset field as it stands
  Octets options;         // a multiple of 4 octets
};

// A datagram with a right checksum.
inline Octets ip4(const Ip4Spec& s, Bytes payload) {
  Octets h(20);
  const size_t header_len = 20 + s.options.size();
  wire::Ip4::emit(h.data(), {.tos = s.tos,
                             .total_length = static_cast<uint16_t>(header_len + payload.size()),
                             .id = 0x1234,
                             .dont_fragment = s.dont_fragment,
                             .ttl = s.ttl,
                             .proto = static_cast<uint8_t>(s.proto),
                             .src = s.src,
                             .dst = s.dst});
  h[0] = static_cast<uint8_t>(0x40 | header_len / 4);
  if (s.fragment != 0) store_be<uint16_t>(h.data() + 6, s.fragment);
  h = join(std::move(h), s.options);
  store_be<uint16_t>(h.data() + 10, 0);
  store_be<uint16_t>(h.data() + 10, wire::Sum{}.add(h).checksum());
  return join(std::move(h), payload);
}

inline Octets udp(Ip4Addr src, Ip4Addr dst, uint16_t sport, uint16_t dport, std::string_view text) {
  Octets b(8);
  wire::Udp::emit(b.data(), {sport}, {dport}, static_cast<uint16_t>(8 + text.size()));
  b = join(std::move(b), as_bytes(text));
  const uint16_t sum = wire::pseudo_header(src, dst, 17, static_cast<uint32_t>(b.size())).add(b).checksum();
  store_be<uint16_t>(b.data() + 6, sum == 0 ? 0xffff : sum);
  return b;
}
inline Octets udp4(Ip4Spec s, uint16_t sport, uint16_t dport, std::string_view text) {
  s.proto = IpProto::Udp;
  return ip4(s, udp(s.src, s.dst, sport, dport, text));
}

inline Octets icmp(uint8_t type, uint8_t code, uint32_t rest, Bytes body) {
  Octets b(8);
  b[0] = type;
  b[1] = code;
  store_be<uint32_t>(b.data() + 4, rest);
  b = join(std::move(b), body);
  store_be<uint16_t>(b.data() + 2, wire::Sum{}.add(b).checksum());
  return b;
}

inline Octets frame(Bytes payload, wire::EtherType type = wire::EtherType::Ip4, Mac dst = our_mac,
                    Mac src = peer_mac) {
  Octets b(14);
  wire::Ethernet::emit(b.data(), dst, src, type);
  return join(std::move(b), payload);
}
inline Octets arp(const wire::Arp::Value& v, Mac dst = Mac::broadcast()) {
  Octets b(28);
  wire::Arp::emit(b.data(), v);
  return frame(b, wire::EtherType::Arp, dst, v.sender_mac);
}

// A frame as link hands it on: l2_len set, the port noted.
inline buf::Packet received(Bytes frame_octets, uint16_t port = 0) {
  buf::Packet p = packet_of(frame_octets);
  p.headers(14, 0, 0);
  p.ingress(port);
  return p;
}

inline Octets copy(Bytes b) { return {b.begin(), b.end()}; }

// All packets are back when a test ends.
class PacketTest : public ::testing::Test {
 protected:
  PacketTest() : free_before_{packet_pool().packets_free()} {}
  ~PacketTest() override { EXPECT_EQ(packet_pool().packets_free(), free_before_) << "packets leaked"; }

 private:
  uint32_t free_before_;
};

}  // namespace sluice::test
