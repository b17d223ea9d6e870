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
    EXPECT_EQ(t.at(i).v >> 24, 10u);
    seen.insert(t.at(i).v);
    networks.insert(t.at(i).v >> 8);
  }
  EXPECT_EQ(seen.size(), 1'000'000u);
  EXPECT_EQ(networks.size(), 65'536u) << "every /24 is met";
  EXPECT_EQ(t.at(1'000'000), t.at(0));
}

TEST(Targets, in_a_row_begin_at_the_address) {
  const Targets t{{Ip4Addr::of(198, 18, 0, 2), 32}, 3, false};
  EXPECT_EQ(t.at(0), Ip4Addr::of(198, 18, 0, 2));
  EXPECT_EQ(t.at(2), Ip4Addr::of(198, 18, 0, 4));
  EXPECT_EQ(t.at(3), Ip4Addr::of(198, 18, 0, 2));
}

}  // namespace
}  // namespace sluice::load
