// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "ip/room.h"

namespace sluice::ip {
namespace {

using test::far;
using test::Octets;
using test::peer;

using IpForward = test::IpRoom;

TEST_F(IpForward, a_packet_leaves_by_its_route_one_hop_older_and_otherwise_the_same) {
  const Octets sent = test::udp4({.dst = far, .ttl = 7, .tos = 0x2e, .dont_fragment = true}, 1, 2, "payload");
  pass(sent);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].port, 1);
  EXPECT_EQ(out[0].next_hop, IpAddr{far});
  const Octets got = test::copy(out[0].packet.bytes());
  const auto ip = wire::Ip4::parse(got);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->ttl(), 6);
  EXPECT_TRUE(ip->good_checksum());
  Octets same = sent;
  same[8] = 6;
  std::copy_n(got.begin() + 10, 2, same.begin() + 10);
  EXPECT_EQ(got, same);
  EXPECT_EQ(out[0].packet.l2_len(), 0u);
  EXPECT_EQ(out[0].packet.l3_len(), 20u);
  EXPECT_EQ(count[Counter::ip_forwarded], 1u);
  EXPECT_EQ(drops(), 0u);
}

TEST_F(IpForward, goes_to_the_gateway_and_may_turn_round) {
  pass(test::udp4({.dst = Ip4Addr::of(203, 0, 113, 5)}, 1, 2, ""));
  pass(test::udp4({.src = far, .dst = Ip4Addr::of(203, 0, 113, 5)}, 1, 2, ""), 1);
  ASSERT_EQ(out.size(), 2u);
  for (const buf::Egress& e : out) {
    EXPECT_EQ(e.port, 1);
    EXPECT_EQ(e.next_hop, IpAddr{Ip4Addr::of(198, 19, 0, 2)});
  }
}

TEST_F(IpForward, what_cannot_pass_dies_counted_and_tells_its_sender) {
  ports[1].caps.mtu = 100;
  rebuild();
  const std::string big(200, 'x');
  struct Case {
    const char* claim;
    test::Ip4Spec spec;
    Counter why;
    int type, code;  // -1: silence
    uint16_t mtu = 0;
  };
  const Case cases[] = {
      {"TTL 1", {.dst = far, .ttl = 1}, Counter::ip_ttl, 11, 0},
      {"TTL 0", {.dst = far, .ttl = 0}, Counter::ip_ttl, 11, 0},
      {"no route", {.dst = Ip4Addr::of(8, 8, 8, 8)}, Counter::ip_no_route, 3, 0},
      {"a blackhole", {.dst = Ip4Addr::of(192, 0, 2, 1)}, Counter::ip_blackhole, -1, 0},
      {"a prohibited route", {.dst = Ip4Addr::of(198, 51, 100, 1)}, Counter::ip_prohibited, 3, 13},
      {"an unreachable route", {.dst = Ip4Addr::of(198, 51, 100, 129)}, Counter::ip_no_route, 3, 1},
      {"too big and DF", {.dst = far, .dont_fragment = true}, Counter::ip_too_big, 3, 4, 100},
  };
  for (const Case& c : cases) {
    const uint64_t before = count[c.why], all = drops();
    const Octets sent = test::udp4(c.spec, 1, 2, big);
    pass(sent);
    EXPECT_EQ(count[c.why], before + 1) << c.claim;
    EXPECT_EQ(drops(), all + 1) << c.claim;
    if (c.type < 0) {
      EXPECT_TRUE(out.empty()) << c.claim;
      continue;
    }
    ASSERT_EQ(out.size(), 1u) << c.claim;
    EXPECT_EQ(out[0].port, 0) << c.claim;
    EXPECT_EQ(out[0].next_hop, IpAddr{peer}) << c.claim;
    const auto ip = wire::Ip4::parse(out[0].packet.bytes());
    ASSERT_TRUE(ip) << c.claim;
    EXPECT_TRUE(ip->good_checksum()) << c.claim;
    EXPECT_EQ(ip->src(), test::us) << c.claim;
    EXPECT_EQ(ip->dst(), peer) << c.claim;
    const auto icmp = wire::Icmp4::parse(ip->payload());
    ASSERT_TRUE(icmp) << c.claim;
    EXPECT_EQ(static_cast<int>(icmp->type()), c.type) << c.claim;
    EXPECT_EQ(icmp->code(), c.code) << c.claim;
    EXPECT_EQ(icmp->mtu(), c.mtu) << c.claim;
    EXPECT_EQ(test::copy(icmp->body()), sent) << c.claim << ": quoted as it came";
    out.clear();
  }
}

TEST_F(IpForward, a_burst_keeps_its_order) {
  buf::Batch b;
  for (uint8_t i = 0; i < buf::burst_size; ++i)
    b.push(test::received(
        test::frame(test::udp4({.dst = Ip4Addr::of(198, 19, 0, static_cast<uint8_t>(2 + i))}, i, 2, ""))));
  room->input(b, in);
  room->forward(in.transit, now, out);
  ASSERT_EQ(out.size(), buf::burst_size);
  for (uint8_t i = 0; i < buf::burst_size; ++i)
    EXPECT_EQ(out[i].next_hop, IpAddr{Ip4Addr::of(198, 19, 0, static_cast<uint8_t>(2 + i))});
}

TEST_F(IpForward, flows_spread_over_equal_ways_and_each_keeps_its_own) {
  std::string error;
  std::vector<Gateway> more;
  for (uint8_t i = 0; i < 3; ++i) more.push_back({Ip4Addr::of(198, 19, 0, static_cast<uint8_t>(20 + i))});
  const std::vector<Route> statics = {{*parse_prefix("8.0.0.0/8"), far, RouteKind::Forward, 0, more}};
  room->use(Routes::build(ports, statics, options, error));
  std::map<IpAddr, int> share;
  for (uint16_t flow = 0; flow < 400; ++flow) {
    for (int again = 0; again < 2; ++again)
      pass(test::udp4({.dst = Ip4Addr::of(8, 8, 8, 8), .ttl = 9}, static_cast<uint16_t>(1000 + flow), 2, ""));
    ASSERT_EQ(out.size(), 2u);
    EXPECT_EQ(out[0].next_hop, out[1].next_hop) << "a flow has one way";
    ++share[out[0].next_hop];
    out.clear();
  }
  ASSERT_EQ(share.size(), 4u);
  for (const auto& [gateway, flows] : share) EXPECT_GT(flows, 60) << to_text(gateway);
}

TEST_F(IpForward, new_routes_take_effect_between_bursts) {
  std::string error;
  const std::vector<Route> statics = {{*parse_prefix("8.0.0.0/8"), far}};
  pass(test::udp4({.dst = Ip4Addr::of(8, 8, 8, 8), .ttl = 9}, 1, 2, ""));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].port, 0) << "an error back";
  out.clear();
  room->use(Routes::build(ports, statics, options, error));
  pass(test::udp4({.dst = Ip4Addr::of(8, 8, 8, 8), .ttl = 9}, 1, 2, ""));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].next_hop, IpAddr{far});
}

}  // namespace
}  // namespace sluice::ip
