// SPDX-License-Identifier: Apache-2.0
// A whole stack between two networks that it has met, and the frames to drive it with.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "support/frames.h"
#include "support/virtual_worker.h"
#include "wire/tcp.h"

namespace sluice::test {

using Frames = std::deque<Octets>;

constexpr Mac far_mac = mac(0x77);
constexpr Ip4Addr silent = Ip4Addr::of(198, 19, 0, 66);  // nobody has this address

// The datagram in a frame that was sent, which MemoryPort's owner has found proper.
inline wire::Ip4 ip_of(const Octets& frame) {
  const auto ip = wire::Ip4::parse(Bytes{frame}.subspan(14));
  check(static_cast<bool>(ip), "an IP frame");
  return *ip;
}
inline bool is_arp(const Octets& frame) {
  return wire::Ethernet::parse(frame)->type() == wire::EtherType::Arp;
}

inline Octets tcp4(const wire::Tcp::Value& v, std::string_view text = {}, Ip4Addr dst = us) {
  Octets b(wire::Tcp::header_len);
  wire::Tcp::emit(b.data(), v);
  b = join(std::move(b), as_bytes(text));
  const uint16_t sum = wire::pseudo_header(peer, dst, 6, static_cast<uint32_t>(b.size())).add(b).checksum();
  store_be<uint16_t>(b.data() + wire::Tcp::checksum_at, sum);
  return frame(ip4({.dst = dst, .proto = IpProto::Tcp}, b));
}

// A query of class IN for the A records of a name given as labels.
inline std::string query(std::initializer_list<std::string_view> labels) {
  std::string q{"\xbe\xef\x01\0\0\1\0\0\0\0\0\0", 12};
  for (const auto l : labels) (q += static_cast<char>(l.size())) += l;
  return q + std::string{"\0\0\1\0\1", 5};
}

inline Octets arp_from(Mac m, Ip4Addr sender, Ip4Addr target) {
  return arp({.op = wire::ArpOp::Request, .sender_mac = m, .sender = sender, .target = target});
}

class WholeStack : public PacketTest {
 protected:
  // Past the announcements, and met by two neighbours.
  WholeStack() {
    worker.run(now, 5_s);
    worker.port(0).arrive(arp_from(peer_mac, peer, us));
    worker.port(1).arrive(arp_from(far_mac, far, us_wan));
    worker.turn(now);
    worker.sent(0), worker.sent(1);
  }
  // Whatever happened, time heals it: with the stack still there, nothing is held.
  void TearDown() override {
    worker.run(now, 1000_s);
    EXPECT_EQ(worker.connections(), 0u);
    EXPECT_EQ(packet_pool().packets_free(), packets_) << "packets are held";
    EXPECT_EQ(packet_pool().headers_free(), headers_) << "packet headers are held";
  }

  void gets(Octets f, size_t port = 0) {
    worker.port(port).arrive(std::move(f));
    worker.turn(now);
  }
  Frames sent(size_t port = 0) { return worker.sent(port); }
  // The one frame that was sent, by this port and by no other.
  Octets one(size_t port = 0) {
    const Frames here = sent(port), elsewhere = sent(1 - port);
    EXPECT_EQ(here.size(), 1u);
    EXPECT_EQ(elsewhere.size(), 0u);
    return here.empty() ? frame(ip4({}, {})) : here[0];
  }
  // The one frame is an ICMP error about this datagram, to its sender.
  void expect_error(uint8_t type, uint8_t code, const Octets& about, Ip4Addr from) {
    const Octets f = one();
    const auto ip = ip_of(f);
    EXPECT_EQ(ip.src(), from);
    EXPECT_EQ(ip.dst(), peer);
    ASSERT_EQ(ip.proto(), 1);
    const auto error = *wire::Icmp4::parse(ip.payload());
    EXPECT_EQ(static_cast<uint8_t>(error.type()), type);
    EXPECT_EQ(error.code(), code);
    EXPECT_EQ(copy(error.body()).size(), about.size() - 14);
  }
  uint64_t counted(Counter c) const { return worker.count[c]; }

  const uint32_t packets_ = packet_pool().packets_free(), headers_ = packet_pool().headers_free();
  Instant now{1'000'000'000};
  VirtualWorker worker{two_ports()};
};

}  // namespace sluice::test
