// SPDX-License-Identifier: Apache-2.0
// Routes that change: what each change makes of the table, and what readers see while it changes.
#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "base/rng.h"
#include "io/quiescence.h"
#include "ip/route.h"
#include "route_change.h"
#include "support/frames.h"
#include "support/sanitized.h"

namespace sluice::ip {
namespace {

using test::us;

TEST_F(RouteChange, a_route_comes_is_replaced_and_goes) {
  const auto step = [&](const std::string& wrong) { EXPECT_EQ(wrong, ""); };
  EXPECT_EQ(gateway("10.1.2.3"), "none");
  step(routes->set({prefix("10.0.0.0/8"), ip("198.18.0.2")}));
  EXPECT_EQ(gateway("10.1.2.3"), "198.18.0.2");
  step(routes->set({prefix("10.1.0.0/16"), ip("198.18.0.3")}));
  EXPECT_EQ(gateway("10.1.2.3"), "198.18.0.3");
  step(routes->set({prefix("10.1.0.0/16"), {}, RouteKind::Blackhole}));
  EXPECT_EQ(gateway("10.1.2.3"), "refused");
  step(routes->remove(prefix("10.1.0.0/16")));
  EXPECT_EQ(gateway("10.1.2.3"), "198.18.0.2");
  step(routes->remove(prefix("10.0.0.0/8")));
  EXPECT_EQ(gateway("10.1.2.3"), "none");
  EXPECT_EQ(routes->size(), 6u) << "the connected ones";
}

TEST_F(RouteChange, a_wrong_change_is_refused_in_words_and_changes_nothing) {
  struct Case {
    const char* claim;
    std::string said;
    const char* words;
  };
  options.routes = 6;
  const Case cases[] = {
      {"a gateway nowhere", routes->set({prefix("10.0.0.0/8"), ip("172.16.0.1")}), "more routes"},
      {"a connected network", routes->set({prefix("198.18.0.0/24"), ip("198.19.0.2")}), "connected"},
      {"our address", routes->remove(prefix("198.18.0.1/32")), "address of ours"},
      {"a route that is not there", routes->remove(prefix("10.0.0.0/8")), "there is no route"},
      {"another family", routes->set({prefix("10.0.0.0/8"), ip("2001:2::1")}), "other family"},
      {"no such port", routes->set({.to = prefix("10.0.0.0/8"), .port = 9}), "no such port"},
      {"a kind that is not for users", routes->set({prefix("10.0.0.0/8"), {}, RouteKind::Local}), "kind"},
  };
  for (const Case& c : cases) EXPECT_NE(c.said.find(c.words), std::string::npos) << c.claim << ": " << c.said;
  options.routes = 100;
  EXPECT_NE(routes->set({prefix("10.0.0.0/8"), ip("172.16.0.1")}).find("not on a connected network"),
            std::string::npos);
  EXPECT_EQ(gateway("10.1.2.3"), "none");
  EXPECT_EQ(gateway("198.18.0.77"), "port 0");
  EXPECT_EQ(routes->size(), 6u);
}

TEST_F(RouteChange, gateways_behind_other_routes_follow_them) {
  EXPECT_EQ(routes->set({prefix("172.16.0.0/16"), ip("198.18.0.2")}), "");
  EXPECT_EQ(routes->set({prefix("10.0.0.0/8"), ip("172.16.0.1")}), "");
  EXPECT_EQ(gateway("10.1.2.3"), "198.18.0.2");
  EXPECT_EQ(routes->set({prefix("172.16.0.0/24"), ip("198.19.0.3")}), "");
  EXPECT_EQ(gateway("10.1.2.3"), "198.19.0.3");
  EXPECT_EQ(routes->remove(prefix("172.16.0.0/24")), "");
  EXPECT_EQ(gateway("10.1.2.3"), "198.18.0.2");
  EXPECT_EQ(routes->remove(prefix("172.16.0.0/16")), "");
  EXPECT_EQ(gateway("10.1.2.3"), "none") << "a route that leads nowhere is as if it were not there";
  EXPECT_EQ(routes->set({prefix("172.16.0.0/16"), ip("198.18.0.4")}), "");
  EXPECT_EQ(gateway("10.1.2.3"), "198.18.0.4");
}

TEST_F(RouteChange, gateways_behind_routes_behind_other_routes_follow_all_of_them) {
  EXPECT_EQ(routes->set({prefix("172.16.0.0/16"), ip("198.18.0.2")}), "");
  EXPECT_EQ(routes->set({prefix("172.17.0.0/16"), ip("172.16.0.1")}), "");
  EXPECT_EQ(routes->set({prefix("172.18.0.0/16"), ip("172.17.0.1")}), "");
  EXPECT_EQ(routes->set({prefix("10.0.0.0/8"), ip("172.18.0.1")}), "");
  EXPECT_EQ(gateway("10.1.2.3"), "198.18.0.2");
  EXPECT_EQ(routes->set({prefix("172.16.0.0/24"), ip("198.19.0.3")}), "");
  EXPECT_EQ(gateway("10.1.2.3"), "198.19.0.3");
  EXPECT_EQ(routes->remove(prefix("172.16.0.0/24")), "");
  EXPECT_EQ(routes->remove(prefix("172.16.0.0/16")), "");
  EXPECT_EQ(gateway("10.1.2.3"), "none");
  EXPECT_EQ(routes->set({prefix("0.0.0.0/0"), ip("198.19.0.4")}), "");
  EXPECT_EQ(gateway("10.1.2.3"), "198.19.0.4");
}

TEST_F(RouteChange, routes_over_a_dead_link_give_way_to_less_specific_ones_until_it_is_back) {
  EXPECT_EQ(routes->set({prefix("0.0.0.0/0"), ip("198.19.0.2")}), "");
  EXPECT_EQ(routes->set({prefix("10.0.0.0/8"), ip("198.18.0.2")}), "");
  EXPECT_EQ(
      routes->set({prefix("10.1.0.0/16"), ip("198.18.0.3"), RouteKind::Forward, 0, {{ip("198.19.0.4")}}}),
      "");
  routes->link_state(0, false);
  EXPECT_EQ(gateway("10.9.9.9"), "198.19.0.2");
  EXPECT_EQ(gateway("10.1.1.1"), "198.19.0.4") << "the other way is left";
  EXPECT_EQ(gateway("198.18.0.77"), "198.19.0.2");
  EXPECT_EQ(routes->lookup(us).kind, RouteKind::Local) << "an address stays ours";
  EXPECT_EQ(routes->set({prefix("11.0.0.0/8"), ip("198.18.0.5")}), "") << "a route may wait for its link";
  EXPECT_EQ(gateway("11.0.0.1"), "198.19.0.2");
  routes->link_state(1, false);
  EXPECT_EQ(gateway("10.1.1.1"), "none");
  routes->link_state(0, true);
  routes->link_state(1, true);
  EXPECT_EQ(gateway("10.9.9.9"), "198.18.0.2");
  EXPECT_EQ(gateway("11.0.0.1"), "198.18.0.5");
  EXPECT_EQ(gateway("198.18.0.77"), "port 0");
  EXPECT_EQ(gateway("8.8.8.8"), "198.19.0.2");
}

TEST_F(RouteChange, a_gateway_nowhere_is_refused_while_a_link_is_dead_too) {
  const std::string said = "172.16.0.1 is not on a connected network";
  routes->link_state(1, false);
  EXPECT_NE(routes->set({prefix("10.0.0.0/8"), ip("172.16.0.1")}).find(said), std::string::npos);
  const std::vector<Route> nowhere{{prefix("10.0.0.0/8"), ip("172.16.0.1")}};
  EXPECT_NE(routes->become(ports, nowhere).find(said), std::string::npos);
  EXPECT_EQ(routes->size(), 6u);
  const std::vector<Route> waits{{prefix("172.16.0.0/16"), ip("198.19.0.2")}, nowhere[0]};
  EXPECT_EQ(routes->become(ports, waits), "") << "behind a route that waits for its link";
  EXPECT_EQ(gateway("10.1.2.3"), "none");
  routes->link_state(1, true);
  EXPECT_EQ(gateway("10.1.2.3"), "198.19.0.2");
}

// What lookups find after any mix of changes is what a list of all routes says that is gone through whole.
TEST_F(RouteChange, links_and_routes_that_come_and_go_in_any_order_leave_the_table_right) {
  struct Model {
    std::map<std::pair<unsigned, uint32_t>, size_t> port_of;  // (length, network) -> port
    std::array<bool, 2> up{true, true};
    std::string find(Ip4Addr a) const {
      for (unsigned length = 33; length-- > 0;)
        if (const auto r = port_of.find({length, network(a, length).v}); r != port_of.end() && up[r->second])
          return r->second == 0 ? "198.18.0.2" : "198.19.0.2";
      return "none";
    }
  };
  const char* const via[] = {"198.18.0.2", "198.19.0.2"};
  Rng rng{20261125};
  Model model;
  for (size_t step = 0; step < test::rounds(20'000); ++step) {
    const uint64_t dice = rng();
    const auto length = static_cast<uint8_t>(4 + dice % 29);
    const Ip4Addr net = network(Ip4Addr{0x0a000000u | static_cast<uint32_t>(dice >> 8 & 0x01010301)}, length);
    const Prefix p{net, length};
    const size_t port = dice >> 40 & 1;
    switch (dice >> 48 & 7) {
      case 0:
        model.up[port] = !model.up[port];
        routes->link_state(static_cast<uint16_t>(port), model.up[port]);
        break;
      case 1:
      case 2:
        EXPECT_EQ(routes->remove(p).empty(), model.port_of.erase({length, net.v}) == 1);
        break;
      default:
        ASSERT_EQ(routes->set({p, ip(via[port])}), "");
        model.port_of[{length, net.v}] = port;
    }
    for (int i = 0; i < 16; ++i) {
      const Ip4Addr a{0x0a000000u | static_cast<uint32_t>(rng() & 0x03010301)};
      ASSERT_EQ(gateway(to_text(IpAddr{a}).c_str()), model.find(a))
          << "step " << step << ", " << to_text(IpAddr{a});
    }
  }
}

TEST_F(RouteChange, a_link_that_dies_and_comes_back_touches_no_route_where_nothing_else_could_serve) {
  ASSERT_EQ(routes->set({prefix("0.0.0.0/0"), ip("198.19.0.2")}), "");
  for (unsigned i = 0; i < 1000; ++i)
    ASSERT_EQ(routes->set({{Ip4Addr{0x0a000000u + (i << 8)}, 26}, ip("198.19.0.3")}), "");
  const size_t octets = routes->octets();
  const NextHop* const before = &routes->lookup(Ip4Addr{0x0a000001u});
  EXPECT_EQ(before->gateway, ip("198.19.0.3"));
  routes->link_state(1, false);
  EXPECT_EQ(gateway("10.0.0.1"), "none");
  EXPECT_EQ(routes->octets(), octets) << "the trie still holds them";
  routes->link_state(1, true);
  EXPECT_EQ(gateway("10.0.0.1"), "198.19.0.3");
  EXPECT_EQ(gateway("10.0.0.65"), "198.19.0.2");
}

// ---- several ways

std::vector<NextHop> ways(size_t n) {
  std::vector<NextHop> all;
  for (size_t i = 0; i < n; ++i)
    all.push_back({RouteKind::Forward, 0, Ip4Addr{us.v + 1 + static_cast<uint32_t>(i)}});
  return all;
}
std::vector<size_t> load_of(const Spread& s) {
  std::vector<size_t> load(s.ways.size());
  for (const uint8_t w : s.way_of) ++load[w];
  return load;
}

TEST(Spread, shares_are_equal_for_any_number_of_ways) {
  for (size_t n = 2; n <= Spread::ways_most; ++n) {
    const auto load = load_of(Spread{ways(n), nullptr});
    EXPECT_LE(*std::ranges::max_element(load) - *std::ranges::min_element(load), 1u) << n;
  }
}

TEST(Spread, only_the_flows_of_a_lost_way_move) {
  for (size_t n = 3; n <= Spread::ways_most; ++n) {
    const Spread before{ways(n), nullptr};
    auto left = ways(n);
    const NextHop lost = left[n / 2];
    left.erase(left.begin() + static_cast<ptrdiff_t>(n / 2));
    const Spread after{left, &before};
    for (size_t b = 0; b < Spread::buckets; ++b) {
      const NextHop& was = before.ways[before.way_of[b]];
      if (was == lost) continue;
      EXPECT_EQ(after.ways[after.way_of[b]], was) << n;
    }
    const auto load = load_of(after);
    EXPECT_LE(*std::ranges::max_element(load) - *std::ranges::min_element(load), 1u) << n;
  }
}

TEST(Spread, a_new_way_takes_its_share_and_no_flow_moves_between_the_others) {
  for (size_t n = 2; n < Spread::ways_most; ++n) {
    const Spread before{ways(n), nullptr};
    const Spread after{ways(n + 1), &before};
    const NextHop fresh = ways(n + 1).back();
    for (size_t b = 0; b < Spread::buckets; ++b) {
      const NextHop& now = after.ways[after.way_of[b]];
      if (now == fresh) continue;
      EXPECT_EQ(before.ways[before.way_of[b]], now) << n;
    }
    const auto load = load_of(after);
    EXPECT_LE(*std::ranges::max_element(load) - *std::ranges::min_element(load), 1u) << n;
  }
}

TEST_F(RouteChange, flows_spread_over_the_ways_of_a_route_and_stay) {
  std::vector<Gateway> more;
  for (uint32_t i = 0; i < 63; ++i) more.push_back({Ip4Addr{us.v + 10 + i}});
  ASSERT_EQ(routes->set({prefix("10.0.0.0/8"), ip("198.18.0.2"), RouteKind::Forward, 0, more}), "");
  const auto where = [&] {
    std::vector<IpAddr> all;
    for (uint32_t flow = 0; flow < 4096; ++flow)
      all.push_back(routes->lookup(Ip4Addr::of(10, 0, 0, 1)).of_flow(flow * 2654435761u >> 3).gateway);
    return all;
  };
  const auto before = where();
  std::map<IpAddr, size_t> share;
  for (const IpAddr& g : before) ++share[g];
  EXPECT_EQ(share.size(), 64u);
  EXPECT_EQ(before, where());
  const IpAddr lost = more[20].via;
  more.erase(more.begin() + 20);
  ASSERT_EQ(routes->set({prefix("10.0.0.0/8"), ip("198.18.0.2"), RouteKind::Forward, 0, more}), "");
  const auto after = where();
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] == lost) {
      EXPECT_NE(after[i], lost);
    } else {
      EXPECT_EQ(after[i], before[i]) << "a flow of a way that is still there does not move";
    }
  }
  more.resize(64);
  EXPECT_NE(routes->set({prefix("11.0.0.0/8"), ip("198.18.0.2"), RouteKind::Forward, 0, more}), "");
}

// ---- readers

// Changes are numbered. A reader that looked while changes `from` to `to` were under way may have found what
// was right after any of them, and nothing else.
TEST_F(RouteChange, what_readers_find_was_right_at_some_moment_of_their_look) {
  constexpr size_t changes = test::rounds(20'000), watched = 128;
  Rng rng{77};
  std::vector<Ip4Addr> addresses;
  for (size_t i = 0; i < watched; ++i)
    addresses.push_back({0x0a000000 | static_cast<uint32_t>(rng.below(1 << 16))});

  // The script, and what it makes of each watched address: (number of the change, gateway).
  struct Step {
    Prefix to;
    IpAddr via;  // none: remove
  };
  std::vector<Step> script;
  std::map<std::pair<uint8_t, uint32_t>, IpAddr> table;
  std::vector<std::vector<std::pair<size_t, IpAddr>>> history(watched, {{0, IpAddr{}}});
  while (script.size() < changes) {
    const auto length = static_cast<uint8_t>(8 + rng.below(25));
    const uint32_t net = addresses[rng.below(watched)].v & Ip4Addr::mask(length).v;
    const bool there = table.contains({length, net});
    const IpAddr via = there && rng.below(2) == 0
                           ? IpAddr{}
                           : IpAddr{Ip4Addr{us.v + 1 + static_cast<uint32_t>(rng.below(200))}};
    script.push_back({{Ip4Addr{net}, length}, via});
    if (via.is_none())
      table.erase({length, net});
    else
      table[{length, net}] = via;
    for (size_t w = 0; w < watched; ++w) {
      if ((addresses[w].v & Ip4Addr::mask(length).v) != net) continue;
      IpAddr now;
      for (uint8_t l = 33; l-- > 8 && now.is_none();)
        if (const auto at = table.find({l, addresses[w].v & Ip4Addr::mask(l).v}); at != table.end())
          now = at->second;
      if (now != history[w].back().second) history[w].push_back({script.size(), now});
    }
  }

  constexpr size_t readers = 2;
  io::Quiescence grace{readers};
  routes->readers_from_now_on(&grace);
  std::atomic<size_t> begun{0}, done{0}, looks{0}, wrong{0};
  std::atomic<size_t> ready{0};
  const auto read = [&](size_t k) {
    Rng mine{k};
    size_t bursts = 0;
    grace.enter(k);
    ++ready;
    while (done.load(std::memory_order_acquire) < changes) {
      Ip4Addr a[64];
      size_t which[64];
      const NextHop* hops[64];
      for (size_t i = 0; i < 64; ++i) a[i] = addresses[which[i] = mine.below(watched)];
      const size_t from = done.load(std::memory_order_acquire);
      routes->lookup(a, hops, 64);
      IpAddr found[64];
      for (size_t i = 0; i < 64; ++i)
        found[i] = hops[i]->kind == RouteKind::None ? IpAddr{} : hops[i]->gateway;
      const size_t to = begun.load(std::memory_order_acquire);
      for (size_t i = 0; i < 64; ++i) {
        const auto& h = history[which[i]];
        auto at = std::ranges::upper_bound(h, from, {}, &std::pair<size_t, IpAddr>::first);
        bool fine = false;
        for (--at; at != h.end() && at->first <= to; ++at) fine |= at->second == found[i];
        wrong += !fine;
      }
      looks += 64;
      // Sometimes it rests between two bursts, and nobody waits for it.
      if (++bursts % 64 == 0) {
        grace.leave(k);
        grace.enter(k);
      } else {
        grace.between_bursts(k);
      }
    }
    grace.leave(k);
  };
  std::vector<std::thread> threads;
  for (size_t k = 0; k < readers; ++k) threads.emplace_back(read, k);
  while (ready < readers) std::this_thread::yield();
  for (size_t i = 0; i < changes; ++i) {
    begun.store(i + 1, std::memory_order_release);
    const std::string said =
        script[i].via.is_none() ? routes->remove(script[i].to) : routes->set({script[i].to, script[i].via});
    EXPECT_EQ(said, "");
    done.store(i + 1, std::memory_order_release);
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong.load(), 0u);
  EXPECT_GT(looks.load(), 0u);
  for (size_t w = 0; w < watched; ++w) {
    const NextHop& last = routes->lookup(addresses[w]);
    EXPECT_EQ(last.kind == RouteKind::None ? IpAddr{} : last.gateway, history[w].back().second);
  }
}

TEST_F(RouteChange, both_families_stand_side_by_side) {
  ports[0].addresses.push_back(prefix("2001:2::1/64"));
  routes = Routes::build(ports,
                         std::vector<Route>{{prefix("2001:2:0:100::/56"), ip("2001:2::2")},
                                            {prefix("::/0"), ip("2001:2::3")},
                                            {prefix("2001:2:0:1ff::/64"), {}, RouteKind::Prohibited}},
                         options, error);
  ASSERT_TRUE(routes) << error;
  const auto at = [&](const char* a) { return routes->lookup(ip(a).v6()); };
  EXPECT_EQ(at("2001:2:0:142::1"), (NextHop{RouteKind::Forward, 0, ip("2001:2::2")}));
  EXPECT_EQ(at("2001:db8::1"), (NextHop{RouteKind::Forward, 0, ip("2001:2::3")}));
  EXPECT_EQ(at("2001:2:0:1ff::1").kind, RouteKind::Prohibited);
  EXPECT_EQ(at("2001:2::77"), (NextHop{RouteKind::Forward, 0, {}}));
  EXPECT_EQ(at("2001:2::1").kind, RouteKind::Local);
  EXPECT_EQ(gateway("10.1.2.3"), "none");
}

}  // namespace
}  // namespace sluice::ip
