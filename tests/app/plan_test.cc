// SPDX-License-Identifier: Apache-2.0
// What a configuration means to the packet rooms, and which of its keys need a restart.
#include "app/plan.h"

#include <gtest/gtest.h>

namespace sluice::app {
namespace {

using Keys = std::vector<std::string>;

config::Config base() {
  config::Config c;
  c.ports = {{.name = "lan", .addresses = {{Ip4Addr::of(198, 18, 0, 1), 24}}},
             {.name = "a", .parent = "lan", .vlan = 7, .mtu = 1400}};
  c.dns = {{.listen = {{Ip4Addr{}, {53}}}, .zones = {{"example.test", "zone"}}}};
  return c;
}

TEST(NeedARestart, what_a_reload_does_needs_none) {
  config::Config to = base();
  to.ports[0].addresses = {{Ip4Addr::of(198, 18, 1, 1), 24}};
  to.ports[0].neighbours = {{IpAddr{Ip4Addr::of(198, 18, 1, 2)}, Mac{{2, 0, 0, 0, 0, 7}}}};
  to.ports[0].reverse_path = config::ReversePath::Strict;
  to.ports[0].mss_clamp = {config::MssClamp::Kind::Mtu};
  to.ports[0].slaac = true;
  to.ports[0].advertise.enabled = true;
  to.ports[1] = {.name = "b", .parent = "lan", .vlan = 8, .vrf = "blue", .mtu = 1300};
  to.routes = {{.to = {Ip4Addr::of(10, 0, 0, 0), 8}, .kind = config::RouteKind::Blackhole}};
  to.route_files = {"routes"};
  to.file_routes.resize(1);
  to.dns[0].zones = {{"example.test", "zone"}, {"example.org", "other"}};
  EXPECT_EQ(need_a_restart(base(), to), Keys{});
}

TEST(NeedARestart, everything_else_is_told_by_its_key) {
  struct Case {
    Keys keys;
    void (*change)(config::Config&);
  };
  const Case cases[] = {
      {{"workers.cores"}, [](config::Config& c) { c.workers.cores = {0, 1}; }},
      {{"memory.packets"}, [](config::Config& c) { c.memory.packets *= 2; }},
      {{"ports[lan].mtu"}, [](config::Config& c) { c.ports[0].mtu = 9000; }},
      {{"ports[lan].mac"}, [](config::Config& c) { c.ports[0].mac = Mac{{2, 0, 0, 0, 0, 7}}; }},
      {{"ports[wan]"}, [](config::Config& c) { c.ports.push_back({.name = "wan"}); }},
      {{"arp.neighbours"}, [](config::Config& c) { c.arp.neighbours = 64; }},
      {{"ports[lan].vrf"}, [](config::Config& c) { c.ports[0].vrf = "blue"; }},
      {{"dns[0].vrf"}, [](config::Config& c) { c.dns[0].vrf = "blue"; }},
      {{"dns[0].listen"}, [](config::Config& c) { c.dns[0].listen[0].port = {5353}; }},
      {{"echo[0]"}, [](config::Config& c) { c.echo = {{.listen = {{Ip4Addr{}, {7}}}}}; }},
      {{"metrics.listen"},
       [](config::Config& c) { c.metrics.listen = {{Ip4Addr::of(127, 0, 0, 1), {9464}}}; }},
  };
  for (const Case& c : cases) {
    config::Config to = base();
    c.change(to);
    EXPECT_EQ(need_a_restart(base(), to), c.keys) << c.keys[0];
    EXPECT_EQ(need_a_restart(to, base()), c.keys) << c.keys[0];
  }
}

TEST(NeedARestart, room_for_a_second_tag_on_a_kernel_interface_is_made_at_start) {
  for (const auto kind : {io::DeviceKind::af_packet, io::DeviceKind::tap}) {
    config::Config from = base();
    from.ports[0].device.kind = kind;
    config::Config to = from;
    to.ports[1].outer_vlan = 100;
    const bool kernel = kind == io::DeviceKind::af_packet;
    EXPECT_EQ(need_a_restart(from, to), kernel ? Keys{"ports[lan] with its first 'outer_vlan'"} : Keys{});
    EXPECT_EQ(need_a_restart(to, from), Keys{}) << "too wide does not matter";
    from.ports.push_back({.name = "b", .parent = "lan", .vlan = 9, .outer_vlan = 100});
    EXPECT_EQ(need_a_restart(from, to), Keys{}) << "there is room already";
  }
}

TEST(StaticRoutes, are_those_of_one_vrf_and_files_are_the_default_ones) {
  config::Config c = base();
  c.ports[1].vrf = "blue";
  c.routes = {{.to = {Ip4Addr::of(10, 0, 0, 0), 8}, .kind = config::RouteKind::Blackhole},
              {.to = {Ip4Addr::of(10, 0, 0, 0), 8}, .vrf = "blue", .kind = config::RouteKind::Prohibit}};
  c.file_routes = {{.name = "f",
                    .ways = {{.kind = config::RouteKind::Unreachable}},
                    .routes = {{.to = {Ip4Addr::of(11, 0, 0, 0), 8}}}}};
  const PortTable table{c};
  using Kinds = std::vector<ip::RouteKind>;
  const auto kinds = [&](uint16_t vrf) {
    Kinds all;
    for (const ip::Route& r : static_routes(c, table, vrf)) all.push_back(r.kind);
    return all;
  };
  EXPECT_EQ(kinds(0), (Kinds{ip::RouteKind::Blackhole, ip::RouteKind::Unreachable}));
  EXPECT_EQ(kinds(table.vrf("blue")), (Kinds{ip::RouteKind::Prohibited}));
}

TEST(Interfaces, a_port_is_as_wide_as_it_says_and_speaks_ipv6_when_it_has_cause) {
  config::Config c = base();
  c.ports[0].neighbours = {{IpAddr{Ip4Addr::of(198, 18, 0, 2)}, Mac{{2, 0, 0, 0, 0, 7}}}};
  const PortTable ports{c};
  const auto all = interfaces(c, ports, {{.mac = Mac{{2, 0, 0, 0, 0, 1}}, .mtu = 1500, .tx_vlan = true}});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].caps.mtu, 1500u);
  EXPECT_EQ(all[1].caps.mtu, 1400u);
  EXPECT_EQ(all[1].caps.mac, all[0].caps.mac);
  EXPECT_EQ(all[0].neighbours.size(), 1u);
  EXPECT_FALSE(all[0].ip6 || all[1].ip6);
  c.ports[0].advertise.enabled = true;
  c.ports[1].addresses = {*parse_prefix("2001:2::1/64")};
  const auto six = interfaces(c, ports, {{.mtu = 1500}});
  EXPECT_TRUE(six[0].ip6 && six[1].ip6);
  const PortTable gone = ports.following(config::Config{[] {
    config::Config d = base();
    d.ports.pop_back();
    return d;
  }()});
  EXPECT_TRUE(interfaces(c, gone, {{.mtu = 1500}})[1].addresses.empty()) << "a port that is nobody's";
}

TEST(Interfaces, a_port_clamps_as_it_says_and_a_vlan_of_it_as_that_one_says) {
  using Clamp = config::MssClamp;
  struct Case {
    Clamp said;
    buf::MssClamp meant;
  };
  const Case cases[] = {
      {{}, {}}, {{Clamp::Kind::Mtu}, {.to_mtu = true}}, {{Clamp::Kind::Number, 1360}, {.most = 1360}}};
  for (const Case& c : cases) {
    config::Config lan_says = base(), vlan_says = base();
    lan_says.ports[0].mss_clamp = vlan_says.ports[1].mss_clamp = c.said;
    const PortTable ports{lan_says};
    EXPECT_EQ(interfaces(lan_says, ports, {{}})[0].mss_clamp, c.meant);
    EXPECT_FALSE(interfaces(lan_says, ports, {{}})[1].mss_clamp.on());
    EXPECT_EQ(interfaces(vlan_says, ports, {{}})[1].mss_clamp, c.meant);
    EXPECT_FALSE(interfaces(vlan_says, ports, {{}})[0].mss_clamp.on());
  }
}

}  // namespace
}  // namespace sluice::app
