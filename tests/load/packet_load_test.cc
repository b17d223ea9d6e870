// SPDX-License-Identifier: Apache-2.0
#include "app/load/packet_load.h"

#include <gtest/gtest.h>

#include <set>

#include "load/virtual_load.h"

namespace sluice::load {
namespace {

class PacketLoadTest : public test::VirtualLoad {
 protected:
  PacketLoadTest() {
    through.carrier = Carrier::Udp;
    through.sizes = {64};
    through.flows = 16;
    through.rate = 100'000;
    through.ways = {{0, 1, Targets{{mine_wan, 32}, source_count, false}, test::us}};
    echo = through;
    echo.carrier = Carrier::Echo;
    echo.ways = {{0, 0, Targets{{test::us, 32}, 1, false}, test::us}};
  }
  PacketLoad& make(const PacketPlan& plan) {
    std::vector<PacketLoad::Leg> both;
    for (size_t i = 0; i < 2; ++i)
      both.push_back({touched[i].get(), legs[i].caps.mac, {i == 0 ? mine : mine_wan, source_count}});
    load = std::make_unique<PacketLoad>(plan, both, *host, test::packet_pool());
    return *load;
  }

  PacketPlan through, echo;
  std::unique_ptr<PacketLoad> load;
};

TEST_F(PacketLoadTest, everything_goes_through_the_router_in_order) {
  for (const Carrier c : {Carrier::Udp, Carrier::Bare, Carrier::Echo}) {
    through.carrier = c;
    measure(make(through), 50_ms);
    const Tally& t = load->tally;
    EXPECT_NEAR(static_cast<double>(t.sent), 5'000, 5);
    EXPECT_EQ(t.received, t.sent);
    EXPECT_EQ(t.octets, t.received * 60);
    EXPECT_EQ(t.reordered + t.duplicated + t.corrupted + t.strange, 0u);
    EXPECT_EQ(t.latency.count(), t.received);
    EXPECT_GE(t.latency.quantile(0), 10'000u);
    EXPECT_TRUE(load->drained());
  }
}

TEST_F(PacketLoadTest, both_ways_at_once) {
  through.ways.push_back({1, 0, Targets{{mine, 32}, source_count, false}, test::us_wan});
  measure(make(through), 50_ms);
  EXPECT_NEAR(static_cast<double>(load->tally.sent), 5'000, 10);
  EXPECT_EQ(load->tally.received, load->tally.sent);
}

TEST_F(PacketLoadTest, a_mix_of_sizes) {
  through.sizes = imix();
  measure(make(through), 60_ms);
  EXPECT_EQ(load->tally.received, load->tally.sent);
  EXPECT_NEAR(static_cast<double>(load->tally.octets) / static_cast<double>(load->tally.received),
              (7 * 60 + 4 * 590 + 1514) / 12.0, 1);
}

TEST_F(PacketLoadTest, pings_are_answered) {
  measure(make(echo), 50_ms);
  EXPECT_NEAR(static_cast<double>(load->tally.sent), 5'000, 5);
  EXPECT_EQ(load->tally.received, load->tally.sent);
  EXPECT_EQ(load->tally.corrupted + load->tally.strange, 0u);
}

TEST_F(PacketLoadTest, losses_doubles_and_damage_are_told_apart) {
  Rng chance{9};
  uint64_t lost = 0, damaged = 0;
  const auto counts = [&](MutBytes f) {
    return f.size() == 60 && load->tally.sent > 100 && f[12] == 8 && f[13] == 0;
  };
  touched[1]->touch = [&](MutBytes f) {
    if (!counts(f)) return true;
    if (chance.chance(0.02)) return ++lost, false;
    if (chance.chance(0.02)) f[42 + chance.below(18)] ^= 0x10, ++damaged;
    return true;
  };
  ASSERT_TRUE(get_ready(make(through)));
  load->start(now);
  load->measure(now);
  run(*load, 100_ms);
  load->stop(now);
  run(*load, 10_ms);
  const Tally& t = load->tally;
  EXPECT_GT(lost, 100u);
  EXPECT_GT(damaged, 100u);
  EXPECT_EQ(t.corrupted, damaged);
  EXPECT_EQ(t.sent - t.received, lost + damaged);
  EXPECT_EQ(t.duplicated + t.reordered, 0u);
  EXPECT_FALSE(load->drained());

  touched[1]->touch = {};
  touched[1]->again = true;
  measure(make(through), 50_ms);
  EXPECT_EQ(load->tally.received, load->tally.sent);
  EXPECT_EQ(load->tally.duplicated, load->tally.received);
}

class PacketLoad6Test : public test::VirtualLoad {
 protected:
  PacketLoad6Test() : VirtualLoad{64, false} {
    plan.four = false;
    plan.sizes = {84};
    plan.flows = 16;
    plan.rate = 100'000;
    plan.ways = {{0, 1, Targets{{mine6_wan, 128}, source_count, false}, server6}};
  }
  PacketLoad& make() {
    std::vector<PacketLoad::Leg> both;
    for (size_t i = 0; i < 2; ++i)
      both.push_back({touched[i].get(), legs[i].caps.mac, {i == 0 ? mine6 : mine6_wan, source_count}});
    load = std::make_unique<PacketLoad>(plan, both, *host, test::packet_pool());
    return *load;
  }
  void expect_all_came() {
    EXPECT_NEAR(static_cast<double>(load->tally.sent), 5'000, 10);
    EXPECT_EQ(load->tally.received, load->tally.sent);
    const Tally& t = load->tally;
    EXPECT_EQ(t.reordered + t.duplicated + t.corrupted + t.strange, 0u);
  }

  PacketPlan plan;
  std::unique_ptr<PacketLoad> load;
};

TEST_F(PacketLoad6Test, everything_goes_through_the_router_in_order) {
  for (const Carrier c : {Carrier::Udp, Carrier::Bare, Carrier::Echo}) {
    plan.carrier = c;
    measure(make(), 50_ms);
    expect_all_came();
  }
}

TEST_F(PacketLoad6Test, both_ways_at_once) {
  plan.ways.push_back({1, 0, Targets{{mine6, 128}, source_count, false}, server6_wan});
  measure(make(), 50_ms);
  expect_all_came();
}

TEST_F(PacketLoad6Test, a_mix_of_sizes) {
  plan.sizes = imix(Frame::least(plan.carrier, false));
  measure(make(), 50_ms);
  expect_all_came();
}

TEST_F(PacketLoad6Test, pings_are_answered) {
  plan.carrier = Carrier::Echo;
  plan.ways = {{0, 0, Targets{{server6, 128}, 1, false}, server6}};
  measure(make(), 50_ms);
  expect_all_came();
}

TEST_F(PacketLoad6Test, who_does_not_answer_neighbour_discovery_is_named) {
  plan.ways[0].next_hop = Ip6Addr::of(0x2001, 2, 0, 0, 0, 0, 0, 0x77);
  EXPECT_FALSE(get_ready(make(), 50_ms));
  EXPECT_NE(load->missing().find("2001:2::77 does not answer Neighbour Discovery"), std::string::npos)
      << load->missing();
}

TEST_F(PacketLoadTest, who_does_not_answer_arp_is_named) {
  through.ways[0].next_hop = Ip4Addr::of(198, 18, 0, 77);
  EXPECT_FALSE(get_ready(make(through), 50_ms));
  EXPECT_NE(load->missing().find("198.18.0.77"), std::string::npos);
  through.peer_mac = test::our_mac;
  EXPECT_TRUE(get_ready(make(through), 50_ms)) << "a named MAC needs no ARP";
}

TEST(Targets, are_spread_evenly_over_their_network) {
  const Targets t{{Ip4Addr::of(10, 0, 0, 0), 8}, 1'000'000, true};
  std::set<uint32_t> seen, networks;
  for (uint32_t i = 0; i < t.count(); ++i) {
    const uint32_t at = t.at(i).v4().v;
    EXPECT_EQ(at >> 24, 10u);
    seen.insert(at);
    networks.insert(at >> 8);
  }
  EXPECT_EQ(seen.size(), 1'000'000u);
  EXPECT_EQ(networks.size(), 65'536u) << "every /24 is met";
  EXPECT_EQ(t.at(1'000'000), t.at(0));
}

TEST(Targets, of_ip6_are_spread_as_evenly) {
  for (const uint8_t length : {3, 32, 64, 100}) {
    const Prefix p{Ip6Addr::of(0x2001, 2, 3, 4, 5, 6, 7, 8), length};
    const Targets t{p, 1'000, true};
    std::set<IpAddr> seen;
    Number largest = 0;
    for (uint32_t i = 0; i < 1'000; ++i) {
      EXPECT_TRUE(p.contains(t.at(i))) << to_text(t.at(i));
      seen.insert(t.at(i));
      if (i != 0) largest = std::max(largest, number_of(t.at(i)) - number_of(t.at(i - 1)));
    }
    EXPECT_EQ(seen.size(), 1'000u);
    EXPECT_LE(largest, hosts_of(p) / 1'000 + 1);
    EXPECT_GT(number_of(t.at(999)) - number_of(t.at(0)), hosts_of(p) / 1'000 * 998) << "to its end";
  }
  const Targets all{{Ip6Addr{}, 0}, 2, true};
  EXPECT_EQ(all.at(1), IpAddr{Ip6Addr::of(0x8000, 0, 0, 0, 0, 0, 0, 0)});
}

TEST(Targets, of_a_list_come_in_turn) {
  const std::vector<IpAddr> list{Ip6Addr::of(0x2001, 2, 0, 0, 0, 0, 0, 7),
                                 Ip6Addr::of(0x2a00, 1, 0, 0, 0, 0, 0, 9)};
  const Targets t{std::make_shared<const std::vector<IpAddr>>(list)};
  EXPECT_EQ(t.count(), 2u);
  for (uint32_t i = 0; i < 5; ++i) EXPECT_EQ(t.at(i), list[i % 2]);
}

TEST(Targets, in_a_row_begin_at_the_address) {
  const Targets t{{Ip4Addr::of(198, 18, 0, 2), 32}, 3, false};
  EXPECT_EQ(t.at(0), IpAddr{Ip4Addr::of(198, 18, 0, 2)});
  EXPECT_EQ(t.at(2), IpAddr{Ip4Addr::of(198, 18, 0, 4)});
  EXPECT_EQ(t.at(3), IpAddr{Ip4Addr::of(198, 18, 0, 2)});
}

}  // namespace
}  // namespace sluice::load
