// SPDX-License-Identifier: Apache-2.0
// Another configuration: all routes are replaced, or none.
#include <rte_malloc.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>

#include "base/rng.h"
#include "io/quiescence.h"
#include "ip/route.h"
#include "route_change.h"
#include "support/frames.h"

namespace sluice::ip {
namespace {

using test::us;

TEST_F(RouteChange, becomes_what_another_configuration_says) {
  ASSERT_EQ(routes->become(ports, std::vector<Route>{{prefix("10.0.0.0/8"), ip("198.18.0.2")},
                                                     {prefix("10.1.0.0/16"), {}, RouteKind::Blackhole},
                                                     {prefix("2001:db8::/32"), {}, RouteKind::Prohibited}}),
            "");
  EXPECT_EQ(gateway("10.9.9.9"), "198.18.0.2");
  EXPECT_EQ(gateway("10.1.2.3"), "refused");
  EXPECT_EQ(routes->lookup(ip("2001:db8::1").v6()).kind, RouteKind::Prohibited);

  // An address more on port 0, port 1 leaves its network for another, and there is a third port.
  auto other = ports;
  other[0].addresses.push_back(prefix("198.51.100.1/24"));
  other[1].addresses = {prefix("203.0.113.1/24")};
  other.push_back({{.mac = test::mac(3)}, {prefix("192.0.2.1/24"), prefix("2001:2::1/64")}});
  ASSERT_EQ(routes->become(other, std::vector<Route>{{prefix("10.0.0.0/8"), ip("192.0.2.9")},
                                                     {prefix("198.19.0.0/24"), ip("203.0.113.9")},
                                                     {prefix("2001:db8::/32"), ip("2001:2::9")}}),
            "");
  EXPECT_EQ(gateway("10.9.9.9"), "192.0.2.9");
  EXPECT_EQ(gateway("10.1.2.3"), "192.0.2.9") << "the more specific one is gone";
  EXPECT_EQ(gateway("198.51.100.77"), "port 0");
  EXPECT_EQ(gateway("192.0.2.77"), "port 2");
  EXPECT_EQ(gateway("198.19.0.77"), "203.0.113.9") << "a network left became a route";
  EXPECT_EQ(routes->lookup(ip("198.51.100.1").v4()).kind, RouteKind::Local);
  EXPECT_EQ(routes->lookup(test::us_wan).kind, RouteKind::Forward) << "no longer ours";
  EXPECT_EQ(routes->lookup(ip("2001:db8::1").v6()).gateway, ip("2001:2::9"));
  EXPECT_EQ(routes->lookup(ip("2001:2::1").v6()).kind, RouteKind::Local);

  ASSERT_EQ(routes->become(ports, {}), "");
  EXPECT_EQ(gateway("10.9.9.9"), "none");
  EXPECT_EQ(gateway("198.19.0.77"), "port 1");
  EXPECT_EQ(gateway("192.0.2.77"), "none");
  EXPECT_EQ(routes->size(), 6u) << "the connected ones";
}

TEST_F(RouteChange, a_configuration_with_an_error_leaves_every_route_as_it_was) {
  options.routes = 64;
  options.next_hops = 16;
  const std::vector<Route> good{{prefix("10.0.0.0/8"), ip("198.18.0.2")},
                                {prefix("0.0.0.0/0"), ip("198.19.0.2")}};
  routes = Routes::build(ports, good, options, error);
  ASSERT_NE(routes, nullptr) << error;
  auto one_network = ports;
  one_network[1].addresses = ports[0].addresses;
  auto none = ports;
  none[1].addresses.clear();
  std::vector<Route> many, hops;
  for (uint8_t i = 0; i < 64; ++i) many.push_back({{Ip4Addr::of(10, i, 0, 0), 16}, ip("198.18.0.2")});
  for (uint8_t i = 0; i < 16; ++i) hops.push_back({{Ip4Addr::of(10, i, 0, 0), 16}, Ip4Addr{us.v + 1 + i}});
  struct Case {
    const char* claim;
    std::string said;
    const char* words;
  };
  const Case cases[] = {
      {"a gateway nowhere",
       routes->become(ports, std::vector<Route>{{prefix("11.0.0.0/8"), ip("172.16.0.1")}}),
       "172.16.0.1 is not on a connected network"},
      {"a gateway whose network is left", routes->become(none, good),
       "198.19.0.2 is not on a connected network"},
      {"one route twice",
       routes->become(ports, std::vector<Route>{{prefix("11.0.0.0/8"), ip("198.18.0.2")},
                                                {prefix("11.0.0.0/8"), ip("198.18.0.3")}}),
       "there is one already"},
      {"two ports on a network", routes->become(one_network, good), "two ports"},
      {"too many routes", routes->become(ports, many), "more routes"},
      {"too many next hops", routes->become(ports, hops), "more different next hops"},
  };
  for (const Case& c : cases) EXPECT_NE(c.said.find(c.words), std::string::npos) << c.claim << ": " << c.said;
  EXPECT_EQ(gateway("10.1.2.3"), "198.18.0.2");
  EXPECT_EQ(gateway("11.1.2.3"), "198.19.0.2");
  EXPECT_EQ(gateway("198.19.0.77"), "port 1");
  EXPECT_EQ(routes->size(), 8u);
}

// For tables that change together: what is prepared is seen by nobody, and a cancelled one leaves nothing
// behind.
TEST_F(RouteChange, a_prepared_change_happens_when_it_is_committed_or_never) {
  options.next_hops = 16;
  const std::vector<Route> before{{prefix("10.0.0.0/8"), ip("198.18.0.2")}},
      after{{prefix("10.0.0.0/8"), ip("198.18.0.3")}, {prefix("11.0.0.0/8"), ip("198.18.0.4")}};
  auto moved = ports;
  moved[1].addresses = {{ip("192.0.2.1"), 24}};
  routes = Routes::build(ports, before, options, error);
  ASSERT_NE(routes, nullptr) << error;
  const size_t size = routes->size();
  const auto is_as_before = [&] {
    return gateway("10.1.2.3") == "198.18.0.2" && gateway("11.1.2.3") == "none" &&
           gateway("198.19.0.77") == "port 1" && gateway("192.0.2.77") == "none" && routes->size() == size;
  };
  // Often enough for all next hops to be gone if each left one behind.
  for (int again = 0; again < 20; ++again) {
    ASSERT_EQ(routes->prepare(moved, after), "");
    EXPECT_TRUE(is_as_before());
    routes->cancel();
    EXPECT_TRUE(is_as_before());
  }
  EXPECT_EQ(routes->set({prefix("12.0.0.0/8"), ip("198.19.0.2")}), "") << "the ports are the old ones again";
  EXPECT_EQ(routes->remove(prefix("12.0.0.0/8")), "");
  ASSERT_EQ(routes->prepare(moved, after), "");
  routes->commit();
  EXPECT_EQ(gateway("10.1.2.3"), "198.18.0.3");
  EXPECT_EQ(gateway("11.1.2.3"), "198.18.0.4");
  EXPECT_EQ(gateway("192.0.2.77"), "port 1");
  EXPECT_EQ(gateway("198.19.0.77"), "none");
}

TEST_F(RouteChange, flows_stay_where_they_were_through_a_new_configuration) {
  const auto with = [&](size_t n) {
    Route r{prefix("10.0.0.0/8"), ip("198.18.0.2")};
    for (uint32_t i = 1; i < n; ++i) r.more.push_back({Ip4Addr{us.v + 1 + i}});
    return std::vector<Route>{r};
  };
  const auto where = [&] {
    std::vector<IpAddr> all;
    for (uint32_t flow = 0; flow < 4096; ++flow)
      all.push_back(routes->lookup(Ip4Addr::of(10, 0, 0, 1)).of_flow(flow * 2654435761u >> 3).gateway);
    return all;
  };
  ASSERT_EQ(routes->become(ports, with(8)), "");
  const auto before = where();
  auto more_addresses = ports;
  more_addresses[1].addresses.push_back(prefix("203.0.113.1/24"));
  ASSERT_EQ(routes->become(more_addresses, with(8)), "");
  EXPECT_EQ(where(), before) << "an address elsewhere moves nothing";
  ASSERT_EQ(routes->become(more_addresses, with(7)), "");
  const auto after = where();
  const IpAddr lost = Ip4Addr{us.v + 8};
  for (size_t i = 0; i < before.size(); ++i)
    if (before[i] != lost) {
      EXPECT_EQ(after[i], before[i]);
    }
}

// Looks into the routes at every moment in the middle of a change, and never lets anything be used again.
class Onlooker : public Grace {
 public:
  explicit Onlooker(std::function<void()> look) : look_{std::move(look)} {}
  uint64_t start() override {
    look_();
    return 1;
  }
  bool passed(uint64_t) override { return false; }

 private:
  std::function<void()> look_;
};

TEST_F(RouteChange, no_destination_is_without_its_way_at_any_moment_of_a_change) {
  // The network of every gateway changes, and with it the ways; the default dies; two go at once.
  const std::vector<Route> one{
      {prefix("0.0.0.0/0"), ip("198.18.0.2")},     {prefix("10.0.0.0/8"), {}, RouteKind::Blackhole},
      {prefix("10.1.0.0/16"), ip("198.18.0.3")},   {prefix("10.2.0.0/16"), ip("198.18.0.4")},
      {prefix("172.16.0.0/16"), ip("198.18.0.4")}, {prefix("10.3.0.0/16"), ip("172.16.0.1")}};
  const std::vector<Route> two{{prefix("0.0.0.0/0"), {}, RouteKind::Blackhole},
                               {prefix("10.0.0.0/12"), ip("198.51.100.2")},
                               {prefix("10.1.0.0/16"), ip("198.51.100.3")},
                               {prefix("172.16.0.0/16"), ip("198.51.100.4")},
                               {prefix("10.3.0.0/16"), ip("172.16.0.1")}};
  auto other = ports;
  other[0].addresses = {prefix("198.51.100.1/24")};
  size_t looks = 0;
  std::set<std::string> lost;
  Onlooker grace{[&] {
    ++looks;
    for (const char* a : {"10.1.0.1", "10.2.0.1", "10.3.0.1", "198.19.0.77"})
      if (routes->lookup(ip(a).v4()).kind != RouteKind::Forward) lost.insert(a);
  }};
  ASSERT_EQ(routes->become(ports, one), "");
  routes->readers_from_now_on(&grace);
  for (int turn = 0; turn < 4; ++turn)
    ASSERT_EQ(turn % 2 == 0 ? routes->become(other, two) : routes->become(ports, one), "");
  EXPECT_EQ(lost, std::set<std::string>{});
  EXPECT_GT(looks, 20u);
}

TEST_F(RouteChange, a_change_that_does_not_fit_beside_what_is_there_moves_nothing) {
  options.next_hops = 16;
  std::vector<Route> one, two;
  for (uint8_t i = 0; i < 6; ++i) {
    one.push_back({{Ip4Addr::of(10, i, 0, 0), 16}, Ip4Addr{us.v + 1 + i}});
    two.push_back({{Ip4Addr::of(10, i, 0, 0), 16}, Ip4Addr{us.v + 101 + i}});
  }
  routes = Routes::build(ports, one, options, error);
  ASSERT_NE(routes, nullptr) << error;
  Onlooker grace{[] {}};
  routes->readers_from_now_on(&grace);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(routes->become(ports, two).find("more different next hops at once"), std::string::npos);
    for (const Route& r : one)
      EXPECT_EQ(gateway(to_text(r.to.addr).c_str()), to_text(r.via)) << to_text(r.to);
  }
}

// Takes all that is left of DPDK's memory.
class Hog {
 public:
  Hog() {
    for (size_t n : {size_t{1} << 20, size_t{1} << 16})
      while (void* p = rte_malloc("hog", n, 1024)) taken_.push_back(p);
  }
  ~Hog() {
    for (void* p : taken_) rte_free(p);
  }
  Hog(const Hog&) = delete;
  Hog& operator=(const Hog&) = delete;

 private:
  std::vector<void*> taken_;
};

// More routes than there is room for without more memory: each takes a bucket, and 16,384 come at once.
constexpr unsigned too_many = 20'000;
std::vector<Route> full_table(const char* via) {
  std::vector<Route> all;
  for (unsigned i = 0; i < too_many; ++i)
    all.push_back({{Ip4Addr{0x14000000u + (i << 16)}, 24}, *parse_ip(via)});
  return all;
}

TEST_F(RouteChange, a_change_without_memory_moves_nothing) {
  ports[0].addresses = {prefix("198.18.0.1/16")};
  ports[1].addresses = {prefix("198.19.0.1/16")};
  const std::vector<Route> one{{prefix("10.0.0.0/24"), ip("198.18.0.2")},
                               {prefix("10.1.0.0/24"), ip("198.18.0.2")}};
  routes = Routes::build(ports, one, options, error);
  ASSERT_NE(routes, nullptr) << error;
  Onlooker grace{[] {}};
  routes->readers_from_now_on(&grace);
  const Hog hog;
  const size_t octets = routes->octets();
  auto two = full_table("198.19.0.2");
  two.push_back({prefix("10.0.0.0/24"), {}, RouteKind::Blackhole});
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(routes->become(ports, two).find("no memory"), std::string::npos);
    EXPECT_EQ(gateway("10.0.0.1"), "198.18.0.2");
    EXPECT_EQ(gateway("10.1.0.1"), "198.18.0.2");
    EXPECT_EQ(gateway("20.0.0.1"), "none");
  }
  EXPECT_EQ(routes->octets(), octets);
}

TEST_F(RouteChange, a_route_for_which_there_was_no_memory_is_tried_again_with_the_next_link) {
  EXPECT_EQ(routes->set({prefix("0.0.0.0/0"), ip("198.19.0.2")}), "");
  EXPECT_EQ(routes->set({prefix("10.0.0.0/24"), ip("198.18.0.2")}), "");
  routes->link_state(0, false);
  const Hog hog;
  std::vector<Prefix> all;
  for (const Route& r : full_table("198.19.0.2")) {
    if (!routes->set(r).empty()) break;
    all.push_back(r.to);
  }
  ASSERT_LT(all.size(), too_many);
  routes->link_state(0, true);
  EXPECT_EQ(gateway("10.0.0.1"), "198.19.0.2") << "no memory for it";
  EXPECT_EQ(routes->remove(all.back()), "");
  routes->link_state(1, false);
  routes->link_state(1, true);
  EXPECT_EQ(gateway("10.0.0.1"), "198.18.0.2");
}

// Readers meanwhile: a destination that has a way before and after always has one.
TEST_F(RouteChange, what_leads_somewhere_before_and_after_leads_somewhere_meanwhile) {
  io::Quiescence grace{1};
  routes->readers_from_now_on(&grace);
  auto other = ports;
  other[0].addresses.push_back(prefix("198.51.100.1/24"));
  std::vector<Route> one, two;
  for (uint8_t i = 0; i < 200; ++i) {
    const Prefix to{Ip4Addr::of(10, i, 0, 0), 16};
    one.push_back({to, ip("198.18.0.2")});
    two.push_back({to, i % 2 == 0 ? ip("198.51.100.2") : ip("198.19.0.2")});
  }
  two.push_back({prefix("10.0.0.0/8"), {}, RouteKind::Blackhole});
  ASSERT_EQ(routes->become(ports, one), "");
  std::atomic<bool> stop{false};
  std::atomic<size_t> looks{0}, wrong{0};
  std::thread reader{[&] {
    Rng mine{5};
    grace.enter(0);
    while (!stop.load(std::memory_order_acquire)) {
      const NextHop& hop = routes->lookup(Ip4Addr::of(10, static_cast<uint8_t>(mine.below(200)), 1, 1));
      wrong += hop.kind != RouteKind::Forward || hop.gateway.is_none();
      ++looks;
      grace.between_bursts(0);
    }
    grace.leave(0);
  }};
  for (int turn = 0; turn < 50 || looks < 10'000; ++turn)
    ASSERT_EQ(turn % 2 == 0 ? routes->become(other, two) : routes->become(ports, one), "");
  stop.store(true, std::memory_order_release);
  reader.join();
  EXPECT_EQ(wrong, 0u) << "of " << looks;
}

}  // namespace
}  // namespace sluice::ip
