// SPDX-License-Identifier: Apache-2.0
#include "ip/route.h"

#include <algorithm>
#include <map>

#include "base/rng.h"
#include "support/frames.h"
#include "support/sanitized.h"

namespace sluice::ip {
namespace {

using test::us;
using test::us_wan;

class RoutesTest : public ::testing::Test {
 protected:
  RoutesTest() { test::start_eal(); }
  std::shared_ptr<const Routes> build(const std::vector<Route>& statics) {
    error.clear();
    return Routes::build(ports, statics, options, error);
  }
  static Prefix prefix(const char* text) { return *parse_prefix(text); }
  static IpAddr ip(const char* text) { return *parse_ip(text); }

  Options options;
  std::vector<buf::Interface> ports = test::two_ports();
  std::string error;
};

TEST_F(RoutesTest, connected_networks_addresses_and_broadcasts_come_from_the_interfaces) {
  const auto r = build({});
  ASSERT_TRUE(r) << error;
  EXPECT_EQ(r->lookup(Ip4Addr::of(198, 18, 0, 77)), (NextHop{RouteKind::Forward, 0, {}}));
  EXPECT_EQ(r->lookup(Ip4Addr::of(198, 19, 0, 77)), (NextHop{RouteKind::Forward, 1, {}}));
  EXPECT_EQ(r->lookup(us), (NextHop{RouteKind::Local, 0, {}}));
  EXPECT_EQ(r->lookup(us_wan), (NextHop{RouteKind::Local, 1, {}}));
  EXPECT_EQ(r->lookup(Ip4Addr::of(198, 18, 0, 255)), (NextHop{RouteKind::Broadcast, 0, {}}));
  EXPECT_EQ(r->lookup(Ip4Addr::of(198, 18, 1, 0)).kind, RouteKind::None);
}

TEST_F(RoutesTest, the_longest_prefix_wins_and_every_kind_is_kept) {
  const auto r = build({{prefix("0.0.0.0/0"), ip("198.19.0.2")},
                        {prefix("203.0.113.0/24"), ip("198.18.0.3")},
                        {prefix("203.0.113.64/26"), {}, RouteKind::Blackhole},
                        {prefix("203.0.113.65/32"), {}, RouteKind::Prohibited},
                        {prefix("203.0.113.66/32"), {}, RouteKind::Unreachable}});
  ASSERT_TRUE(r) << error;
  EXPECT_EQ(r->lookup(Ip4Addr::of(8, 8, 8, 8)), (NextHop{RouteKind::Forward, 1, ip("198.19.0.2")}));
  EXPECT_EQ(r->lookup(Ip4Addr::of(203, 0, 113, 1)), (NextHop{RouteKind::Forward, 0, ip("198.18.0.3")}));
  EXPECT_EQ(r->lookup(Ip4Addr::of(203, 0, 113, 64)).kind, RouteKind::Blackhole);
  EXPECT_EQ(r->lookup(Ip4Addr::of(203, 0, 113, 65)).kind, RouteKind::Prohibited);
  EXPECT_EQ(r->lookup(Ip4Addr::of(203, 0, 113, 66)).kind, RouteKind::Unreachable);
}

TEST_F(RoutesTest, a_gateway_may_lie_behind_another_route_in_any_order) {
  const auto r = build({{prefix("10.0.0.0/8"), ip("172.16.0.1")},
                        {prefix("172.16.0.0/16"), ip("192.0.2.1")},
                        {prefix("192.0.2.0/24"), ip("198.19.0.2")}});
  ASSERT_TRUE(r) << error;
  EXPECT_EQ(r->lookup(Ip4Addr::of(10, 1, 2, 3)), (NextHop{RouteKind::Forward, 1, ip("198.19.0.2")}));
  EXPECT_EQ(r->lookup(Ip4Addr::of(172, 16, 9, 9)), (NextHop{RouteKind::Forward, 1, ip("198.19.0.2")}));
}

TEST_F(RoutesTest, says_in_words_what_is_wrong) {
  struct Case {
    const char* claim;
    std::vector<Route> statics;
    const char* words;
  };
  const Case cases[] = {
      {"a gateway nowhere", {{prefix("10.0.0.0/8"), ip("172.16.0.1")}}, "not on a connected network"},
      {"routes in a circle",
       {{prefix("10.0.0.0/8"), ip("172.16.0.1")}, {prefix("172.16.0.0/16"), ip("10.0.0.1")}},
       "not on a connected network"},
      {"a gateway inside its own route",
       {{prefix("0.0.0.0/0"), ip("8.8.8.8")}},
       "not on a connected network"},
      {"our own address as a gateway", {{prefix("10.0.0.0/8"), IpAddr{us}}}, "not on a connected network"},
      {"a gateway behind a blackhole",
       {{prefix("10.0.0.0/8"), ip("172.16.0.1")}, {prefix("172.16.0.0/16"), {}, RouteKind::Blackhole}},
       "not on a connected network"},
      {"the same prefix twice",
       {{prefix("10.0.0.0/8"), ip("198.18.0.2")}, {prefix("10.0.0.1/8"), ip("198.18.0.3")}},
       "there is one already"},
      {"a connected network once more",
       {{prefix("198.18.0.0/24"), ip("198.19.0.2")}},
       "there is one already"},
      {"a gateway of the other family", {{prefix("10.0.0.0/8"), ip("2001:2::1")}}, "other family"},
  };
  for (const Case& c : cases) {
    EXPECT_FALSE(build(c.statics)) << c.claim;
    EXPECT_NE(error.find(c.words), std::string::npos) << c.claim << ": " << error;
  }
  options.routes = 7;  // six are connected
  EXPECT_TRUE(build({{prefix("10.0.0.0/8"), ip("198.18.0.2")}})) << error;
  EXPECT_FALSE(build({{prefix("10.0.0.0/8"), ip("198.18.0.2")}, {prefix("11.0.0.0/8"), ip("198.18.0.2")}}));
  EXPECT_NE(error.find("routes"), std::string::npos);
}

TEST_F(RoutesTest, contradicting_interfaces_are_refused) {
  ports[1].addresses = {{Ip4Addr::of(198, 18, 0, 5), 24}};
  EXPECT_FALSE(build({}));
  EXPECT_NE(error.find("two ports"), std::string::npos) << error;
  ports[1].addresses = {{us, 25}};
  EXPECT_FALSE(build({}));
  EXPECT_NE(error.find("twice"), std::string::npos) << error;
  ports[1].addresses = {};
  ports[0].addresses = {{us, 24}, {Ip4Addr::of(198, 18, 0, 5), 24}};
  EXPECT_TRUE(build({})) << "two addresses on one network are one connected route: " << error;
}

// The claim is that rte_fib, as we fill it, is longest prefix match: checked against the definition.
TEST_F(RoutesTest, a_hundred_thousand_random_prefixes_match_as_the_definition_says) {
  Rng rng{20};
  std::map<std::pair<uint8_t, uint32_t>, uint32_t> naive;  // length, network -> which gateway
  std::vector<Route> statics;
  while (statics.size() < test::rounds(100'000)) {
    const auto length = static_cast<uint8_t>(8 + rng.below(25));
    // Half of them crowd into one /8, so that prefixes nest.
    uint32_t v = static_cast<uint32_t>(rng()) & Ip4Addr::mask(length).v;
    if (rng.below(2) == 0) v = (v & 0x00ffffff) | 0x0a000000;
    if ((v >> 24) == 198) continue;  // our own networks
    const auto gateway = static_cast<uint32_t>(2 + rng.below(200));
    if (!naive.try_emplace({length, v}, gateway).second) continue;
    statics.push_back({{Ip4Addr{v}, length}, Ip4Addr{us.v - 1 + gateway}});
  }
  const auto r = build(statics);
  ASSERT_TRUE(r) << error;
  EXPECT_EQ(r->size(), statics.size() + 6);
  const auto expected = [&](uint32_t a) -> IpAddr {
    for (int length = 32; length >= 8; --length) {
      const auto at =
          naive.find({static_cast<uint8_t>(length), a & Ip4Addr::mask(static_cast<unsigned>(length)).v});
      if (at != naive.end()) return Ip4Addr{us.v - 1 + at->second};
    }
    return IpAddr{};
  };
  size_t found = 0;
  for (size_t i = 0; i < 200'000; i += 64) {
    Ip4Addr addresses[64];
    const NextHop* hops[64];
    for (auto& [a] : addresses) {
      const Prefix& near = statics[rng.below(statics.size())].to;
      const uint32_t host = static_cast<uint32_t>(rng()) & ~Ip4Addr::mask(near.length).v;
      a = near.addr.v4().v | (rng.below(4) == 0 ? 0 : host);
      if (rng.below(8) == 0) a -= 1;
    }
    r->lookup(addresses, hops, 64);
    for (size_t k = 0; k < 64; ++k) {
      if (addresses[k].v >> 24 == 198) continue;
      const IpAddr want = expected(addresses[k].v);
      ASSERT_EQ(hops[k]->kind, want.is_none() ? RouteKind::None : RouteKind::Forward)
          << to_text(addresses[k]);
      ASSERT_EQ(hops[k]->gateway, want) << to_text(addresses[k]);
      found += !want.is_none();
    }
  }
  EXPECT_GT(found, 150'000u);
}

}  // namespace
}  // namespace sluice::ip
