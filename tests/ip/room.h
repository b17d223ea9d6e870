// SPDX-License-Identifier: Apache-2.0
// An IP room between two ports with a few routes, and the words to drive it.
#pragma once

#include <optional>
#include <vector>

#include "ip/ip.h"
#include "support/frames.h"

namespace sluice::test {

class IpRoom : public PacketTest {
 protected:
  IpRoom() { rebuild(); }
  // After a change of `ports` or `options`.
  void rebuild() {
    start_eal();
    std::string error;
    const std::vector<ip::Route> statics = {
        {*parse_prefix("203.0.113.0/24"), Ip4Addr::of(198, 19, 0, 2)},
        {*parse_prefix("192.0.2.0/24"), {}, ip::RouteKind::Blackhole},
        {*parse_prefix("198.51.100.0/25"), {}, ip::RouteKind::Prohibited},
        {*parse_prefix("198.51.100.128/25"), {}, ip::RouteKind::Unreachable}};
    const auto routes = ip::Routes::build(ports, statics, options, error);
    check(routes != nullptr, "the test's routes are good");
    room.reset();
    fragments.emplace(options, packet_pool(), count, rng, ip::Onward{&IpRoom::sent_on, this});
    room = std::make_unique<ip::Ip>(options, ports, routes, *fragments, count, rng);
  }
  void input(const Octets& datagram, uint16_t port = 0, Mac dst = our_mac) {
    input(received(frame(datagram, wire::EtherType::Ip4, dst), port));
  }
  void input(buf::Packet&& p) {
    buf::Batch b;
    b.push(std::move(p));
    room->input(b, in);
    EXPECT_TRUE(b.empty());
  }
  // In, and on its way.
  void pass(const Octets& datagram, uint16_t port = 0, Mac dst = our_mac) {
    input(datagram, port, dst);
    room->forward(in.transit, now, out);
    room->icmp(in.icmp, now, out, errors);
    room->refuse(in.unknown_protocol, ip::Refusal::Protocol, now, out);
  }
  bool nothing() const {
    return in.udp.empty() && in.tcp.empty() && in.icmp.empty() && in.transit.empty() &&
           in.unknown_protocol.empty() && out.empty() && errors.empty();
  }
  // Every drop counted so far.
  uint64_t drops() const {
    uint64_t n = 0;
    for (size_t i = 0; i < counter_count; ++i)
      if (counter_table()[i].is_drop) n += count[static_cast<Counter>(i)];
    return n;
  }
  void TearDown() override {
    in = {};
    out.clear();
    sent_first.clear();
    room.reset();
    fragments.reset();
  }

  // What was sent on while a datagram was cut stands before what is in `out`.
  static void sent_on(void* self, buf::Egresses& out, Instant) {
    for (buf::Egress& e : out) static_cast<IpRoom*>(self)->sent_first.push_back(std::move(e));
    out.clear();
  }

  ip::Options options;
  std::vector<buf::Interface> ports = two_ports();
  Counters count;
  Rng rng{1};
  std::optional<ip::Fragments> fragments;
  std::unique_ptr<ip::Ip> room;
  Instant now{1'000'000'000};
  ip::In in;
  buf::Egresses out;
  std::vector<buf::Egress> sent_first;
  ip::IcmpErrors errors;
};

inline const char* reason(Counter c) { return counter_table()[static_cast<size_t>(c)].labels[3]; }

}  // namespace sluice::test
