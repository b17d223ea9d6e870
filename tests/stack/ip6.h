// SPDX-License-Identifier: Apache-2.0
// A worker that speaks IPv6, its neighbours and their packets.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "journey.h"
#include "wire/icmp6.h"
#include "wire/ip6_ext.h"
#include "wire/mld.h"
#include "wire/nd.h"

namespace sluice::test {

using wire::Icmp6;
using wire::Icmp6Type;
using wire::Ip6;

constexpr Ip6Addr us6 = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 1);   // on port 0, 2001:2:0:1::/64
constexpr Ip6Addr wan6 = Ip6Addr::of(0x2001, 2, 0, 2, 0, 0, 0, 1);  // on port 1, 2001:2:0:2::/64
constexpr Ip6Addr peer6 = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 9);
constexpr Ip6Addr far6 = Ip6Addr::of(0x2001, 2, 0, 2, 0, 0, 0, 7);
constexpr Ip6Addr our_link = Ip6Addr::of(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 1);  // of our_mac
constexpr Ip6Addr peer_link = Ip6Addr::of(0xfe80, 0, 0, 0, 0, 0, 0, 9);

struct Ip6Spec {
  Ip6Addr src = peer6, dst = us6;
  uint8_t next = 17, hops = 64, traffic_class = 0;
};
inline Octets ip6(const Ip6Spec& s, Bytes payload) {
  Octets b(Ip6::header_len);
  Ip6::emit(b.data(), {.traffic_class = s.traffic_class,
                       .payload_length = static_cast<uint16_t>(payload.size()),
                       .next_header = s.next,
                       .hop_limit = s.hops,
                       .src = s.src,
                       .dst = s.dst});
  return join(std::move(b), payload);
}
inline Octets frame6(Bytes packet, Mac dst = our_mac, Mac src = peer_mac) {
  return frame(packet, wire::EtherType::Ip6, dst, src);
}
inline Octets icmp6(Ip6Spec s, Octets message) {
  s.next = 58;
  store_be<uint16_t>(message.data() + 2, 0);
  Icmp6::seal(message, s.src, s.dst);
  return ip6(s, message);
}
inline Octets echo6(Ip6Spec s, std::string_view text = "payload") {
  return icmp6(s, join({128, 0, 0, 0, 0, 7, 0, 1}, as_bytes(text)));
}
inline Octets udp6(Ip6Spec s, uint16_t sport, uint16_t dport, std::string_view text) {
  Octets b(8);
  wire::Udp::emit(b.data(), {sport}, {dport}, static_cast<uint16_t>(8 + text.size()));
  b = join(std::move(b), as_bytes(text));
  store_be<uint16_t>(
      b.data() + 6, wire::pseudo_header(s.src, s.dst, 17, static_cast<uint32_t>(b.size())).add(b).checksum());
  return ip6(s, b);
}
inline Octets tcp6(Ip6Spec s, const wire::Tcp::Value& v, std::string_view text = {}) {
  Octets b(wire::Tcp::header_len);
  wire::Tcp::emit(b.data(), v);
  b = join(std::move(b), as_bytes(text));
  store_be<uint16_t>(b.data() + wire::Tcp::checksum_at,
                     wire::pseudo_header(s.src, s.dst, 6, static_cast<uint32_t>(b.size())).add(b).checksum());
  s.next = 6;
  return ip6(s, b);
}
// Neighbour Discovery frames from a station `who` with MAC `m`.
inline Octets solicitation(const Ip6Addr& target, const Ip6Addr& who, std::optional<Mac> m,
                           std::optional<uint64_t> nonce = {}, uint8_t hops = 255) {
  const wire::NeighbourSolicitationValue v{.target = target, .source = m, .nonce = nonce};
  Octets b(v.size());
  wire::emit(b.data(), v);
  const Ip6Addr group = target.solicited_node();
  return frame6(icmp6({.src = who, .dst = group, .hops = hops}, b), link::Mld::mac_of(group),
                m.value_or(mac(0x55)));
}
inline Octets advertisement(const Ip6Addr& target, Mac m, bool solicited, bool override_, Ip6Addr dst = us6) {
  const wire::NeighbourAdvertisementValue v{
      .solicited = solicited, .override_ = override_, .target = target, .mac = m};
  Octets b(v.size());
  wire::emit(b.data(), v);
  const Mac to = dst.is_multicast() ? link::Mld::mac_of(dst) : our_mac;
  return frame6(icmp6({.src = target, .dst = dst, .hops = 255}, b), to, m);
}

inline Ip6 ip6_of(const Octets& f) {
  const auto ip = Ip6::parse(Bytes{f}.subspan(14));
  check(static_cast<bool>(ip), "an IPv6 frame");
  return *ip;
}
inline Bytes upper(const Octets& f) {
  wire::Ip6Chain chain;
  check(!wire::walk_extensions(ip6_of(f).whole(), {}, chain), "headers that can be walked");
  return ip6_of(f).whole().subspan(chain.upper_at);
}
inline bool is_icmp6(const Octets& f, Icmp6Type type) {
  return wire::Ethernet::parse(f)->type() == wire::EtherType::Ip6 && !upper(f).empty() &&
         upper(f)[0] == static_cast<uint8_t>(type);
}
inline size_t count_of(const Frames& frames, Icmp6Type type) {
  return static_cast<size_t>(
      std::ranges::count_if(frames, [&](const Octets& f) { return is_icmp6(f, type); }));
}

class Stack6 : public PacketTest {
 protected:
  static std::vector<buf::Interface> ports() {
    auto p = two_ports();
    p[0].addresses.push_back({us6, 64});
    p[1].addresses.push_back({wan6, 64});
    p[0].ip6 = p[1].ip6 = true;
    return p;
  }
  static WorkerPlan quick() {
    WorkerPlan p{ports()};
    p.nd.dad_wait = 0_s;
    return p;
  }
  void make(WorkerPlan p) { worker.emplace(std::move(p)); }
  // Addresses are proved, everything the start says is over, and two neighbours have met us.
  void start(WorkerPlan p = quick()) {
    make(std::move(p));
    worker->run(now, 5_s);
    gets(solicitation(us6, peer6, peer_mac));
    gets(solicitation(wan6, far6, far_mac), 1);
    // What we were told unasked we prove when we first use it.
    gets(frame6(echo6({})));
    gets(advertisement(peer6, peer_mac, true, true));
    gets(frame6(echo6({.src = far6, .dst = wan6}), mac(2), far_mac), 1);
    gets(advertisement(far6, far_mac, true, true, wan6), 1);
    sent(0), sent(1);
  }
  void TearDown() override {
    worker->run(now, 2000_s);
    EXPECT_EQ(worker->connections(), 0u);
    EXPECT_EQ(packet_pool().packets_free(), packets_) << "packets are held";
    EXPECT_EQ(packet_pool().headers_free(), headers_) << "packet headers are held";
  }
  void gets(Octets f, size_t port = 0) {
    if (wire::Ethernet::parse(f)->dst() == our_mac && port == 1) mac(2).store(f.data());
    worker->port(port).arrive(std::move(f));
    worker->turn(now);
  }
  Frames sent(size_t port = 0) { return worker->sent(port); }
  Octets one(size_t port = 0) {
    const Frames here = sent(port), elsewhere = sent(1 - port);
    EXPECT_EQ(here.size(), 1u);
    EXPECT_EQ(elsewhere.size(), 0u);
    return here.empty() ? frame6(ip6({}, {})) : here[0];
  }
  void quiet() {
    EXPECT_EQ(sent(0).size(), 0u);
    EXPECT_EQ(sent(1).size(), 0u);
  }
  // The one frame is this error about that packet, to its sender.
  void expect_error(Icmp6Type type, uint8_t code, uint32_t word, const Octets& about, Ip6Addr from = us6) {
    const Octets f = one();
    EXPECT_EQ(ip6_of(f).src(), from);
    EXPECT_EQ(ip6_of(f).dst(), peer6);
    const auto error = *Icmp6::parse_unchecked(upper(f));
    EXPECT_EQ(static_cast<int>(error.type()), static_cast<int>(type));
    EXPECT_EQ(error.code(), code);
    EXPECT_EQ(error.pointer(), word);
    EXPECT_LE(ip6_of(f).total_length(), 1280u);
    EXPECT_EQ(copy(error.body()), copy(Bytes{about}.subspan(14, error.body().size())));
  }
  uint64_t counted(Counter c) const { return worker->count[c]; }

  const uint32_t packets_ = packet_pool().packets_free(), headers_ = packet_pool().headers_free();
  Instant now{1'000'000'000};
  std::optional<VirtualWorker> worker;
};

}  // namespace sluice::test
