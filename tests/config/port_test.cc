// SPDX-License-Identifier: Apache-2.0
// Ports with a parent, static neighbours, and in what two configurations differ.
#include <gtest/gtest.h>

#include "config/difference.h"
#include "config/load.h"
#include "config/print.h"

namespace sluice::config {
namespace {

constexpr const char* lan =
    "ports:\n  - { name: lan, device: { tap: t0 }, mtu: 1400, addresses: [198.18.0.1/24, '2001:2:0:1::1/64'] "
    "}\n";

std::variant<Config, std::vector<Error>> read(const std::string& rest) {
  return load(lan + rest, "f.yaml", Environment{.cores = 4});
}
std::string problems(const std::string& rest) {
  const auto result = read(rest);
  if (std::holds_alternative<Config>(result)) return "";
  std::string all;
  for (const Error& e : std::get<std::vector<Error>>(result)) all += to_text(e) + "\n";
  return all;
}
Config good(const std::string& rest) {
  auto result = read(rest);
  if (auto* c = std::get_if<Config>(&result)) return std::move(*c);
  ADD_FAILURE() << problems(rest);
  return {};
}

TEST(Ports, with_a_parent_have_its_tags_and_what_they_do_not_say_themselves) {
  const Config c = good(
      "  - { name: a, parent: lan, vlan: 100, addresses: [198.18.1.1/24] }\n"
      "  - { name: b, parent: lan, vlan: 100, outer_vlan: 200, mtu: 1300 }\n"
      "  - { name: c, parent: lan, vlan: 101, outer_vlan: 200, outer_tag: 802.1q }\n");
  ASSERT_EQ(c.ports.size(), 4u);
  EXPECT_EQ(c.ports[1].parent, "lan");
  EXPECT_EQ(c.ports[1].vlan, 100);
  EXPECT_EQ(c.ports[1].mtu, 1400) << "the parent's";
  EXPECT_EQ(c.ports[2].mtu, 1300);
  EXPECT_EQ(c.ports[2].outer_vlan, 200);
  EXPECT_EQ(c.ports[2].outer_tag, OuterTag::Ieee8021ad);
  EXPECT_EQ(c.ports[3].outer_tag, OuterTag::Ieee8021q);
  const auto again = load(print(c), "f.yaml", Environment{.cores = 4});
  ASSERT_TRUE(std::holds_alternative<Config>(again)) << print(c);
  EXPECT_EQ(differences(c, std::get<Config>(again)), std::vector<std::string>{});
}

TEST(Ports, with_a_parent_are_checked) {
  struct Case {
    const char *text, *problems;
  };
  const Case cases[] = {
      {"  - { name: a, parent: wan, vlan: 1 }\n",
       "f.yaml:3:24: there is no port 'wan', 'lan' would be right\n"},
      {"  - { name: a, parent: lan }\n",
       "f.yaml:3:24: port 'a' has a parent and no VLAN, 'vlan' from 1 to 4094 would be right\n"},
      {"  - { name: a, parent: lan, vlan: 4095 }\n",
       "f.yaml:3:35: ports[1].vlan is '4095', a whole number from 0 to 4094 would be right\n"},
      {"  - { name: a, device: { tap: t1 }, parent: lan, vlan: 1 }\n",
       "f.yaml:3:24: port 'a' has a parent and a device, one of them would be right\n"},
      {"  - { name: a, device: { tap: t1 }, vlan: 5 }\n",
       "f.yaml:3:43: a port with a device of its own has no VLAN, 'parent' with the port whose frames are "
       "tagged "
       "would be right\n"},
      {"  - { name: a, parent: lan, vlan: 1 }\n  - { name: b, parent: a, vlan: 2 }\n",
       "f.yaml:4:24: port 'a' has itself a parent, a port with a device, and 'outer_vlan' for frames with "
       "two "
       "tags, would be right\n"},
      {"  - { name: a, parent: lan, vlan: 1 }\n  - { name: b, parent: lan, vlan: 1 }\n",
       "f.yaml:4:24: port 'a' has these tags of 'lan' already, tags of its own would be right\n"},
      {"  - { name: a, parent: lan, vlan: 1, outer_tag: 802.1q }\n",
       "f.yaml:3:49: 'outer_tag' says of which type the outer of two tags is, and port 'a' has one, "
       "'outer_vlan' "
       "from 1 to 4094, or no 'outer_tag', would be right\n"},
      {"  - { name: a, device: { tap: t1 }, outer_tag: 802.1q }\n",
       "f.yaml:3:48: a port with a device of its own has no VLAN, 'parent' with the port whose frames are "
       "tagged "
       "would be right\n"},
      {"  - { name: a, parent: lan, vlan: 1, mtu: 1500 }\n",
       "f.yaml:3:43: port 'lan' carries packets of 1400 octets only, at most as much, or a larger mtu there, "
       "would be right\n"},
      {"  - { name: a, parent: lan, vlan: 1, queues: 2 }\n",
       "f.yaml:3:46: 'queues' belongs to the device of port 'lan', to say it there would be right\n"},
      {"  - { name: a, parent: lan, vlan: 1, impair: { loss: 0.1 } }\n",
       "f.yaml:3:46: 'impair' belongs to the device of port 'lan', to say it there would be right\n"},
      {"  - { name: a, parent: lan, vlan: 1, addresses: [198.18.0.9/24] }\n",
       "f.yaml:3:50: 198.18.0.9/24 overlaps 198.18.0.1/24 of port 'lan', a network that only one port is on "
       "would "
       "be right\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(problems(c.text), c.problems) << c.text;
}

TEST(Ports, say_what_they_leave_of_the_mss_of_connections_through_them) {
  using Clamp = MssClamp;
  struct Case {
    const char* text;
    Clamp clamp;
  };
  const Case cases[] = {{"", {}},
                        {", mss_clamp: off", {}},
                        {", mss_clamp: mtu", {Clamp::Kind::Mtu}},
                        {", mss_clamp: 536", {Clamp::Kind::Number, 536}},
                        {", mss_clamp: 1360", {Clamp::Kind::Number, 1360}},
                        {", mtu: 9000, mss_clamp: 8960", {Clamp::Kind::Number, 8960}}};
  for (const Case& c : cases) {
    const Config config = good(std::string{"  - { name: wan, device: { tap: t1 }"} + c.text + " }\n");
    ASSERT_EQ(config.ports.size(), 2u);
    EXPECT_EQ(config.ports[1].mss_clamp, c.clamp) << c.text;
    const auto again = load(print(config), "f.yaml", Environment{.cores = 4});
    ASSERT_TRUE(std::holds_alternative<Config>(again)) << print(config);
    EXPECT_EQ(differences(config, std::get<Config>(again)), std::vector<std::string>{}) << c.text;
  }
  const Config vlan = good("  - { name: a, parent: lan, vlan: 100, mss_clamp: mtu }\n");
  EXPECT_EQ(vlan.ports[1].mss_clamp, Clamp{Clamp::Kind::Mtu});
  EXPECT_EQ(vlan.ports[0].mss_clamp, Clamp{});
}

TEST(Ports, a_clamp_that_binds_nobody_or_is_none_is_refused) {
  struct Case {
    const char *text, *problems;
  };
  constexpr const char* no_clamp = ", off, mtu or a whole number from 536 to 8960 would be right\n";
  const Case cases[] = {
      {"on", "ports[1].mss_clamp is 'on'"},       {"535", "ports[1].mss_clamp is '535'"},
      {"8961", "ports[1].mss_clamp is '8961'"},   {"0", "ports[1].mss_clamp is '0'"},
      {"-1", "ports[1].mss_clamp is '-1'"},       {"1360k", "ports[1].mss_clamp is '1360k'"},
      {"65536", "ports[1].mss_clamp is '65536'"}, {"[mtu]", "ports[1].mss_clamp is a list"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(problems(std::string{"  - { name: a, parent: lan, vlan: 1, mss_clamp: "} + c.text + " }\n"),
              std::string{"f.yaml:3:49: "} + c.problems + no_clamp);
  const Case too_large[] = {
      {"  - { name: a, parent: lan, vlan: 1, mss_clamp: 1361 }\n",
       "f.yaml:3:49: segments of 1361 octets and their headers exceed the port's MTU of 1400, mtu, or at "
       "most "
       "1360, would be right\n"},
      {"  - { name: a, parent: lan, vlan: 1, mtu: 500, mss_clamp: 536 }\n",
       "f.yaml:3:59: segments of 536 octets and their headers exceed the port's MTU of 500, mtu would be "
       "right\n"},
  };
  for (const Case& c : too_large) EXPECT_EQ(problems(c.text), c.problems) << c.text;
}

TEST(Ports, neighbours_are_stations_on_the_ports_networks) {
  const auto with = [](const std::string& neighbours) {
    return "  - { name: wan, device: { tap: t1 }, addresses: [198.19.0.1/24], neighbours: [" + neighbours +
           "] }\n";
  };
  const Config c = good(with("{ address: 198.19.0.2, mac: '02:00:00:00:00:02' }"));
  ASSERT_EQ(c.ports[1].neighbours.size(), 1u);
  EXPECT_EQ(to_text(c.ports[1].neighbours[0].address), "198.19.0.2");
  struct Case {
    const char *neighbours, *problems;
  };
  const Case cases[] = {
      {"{ address: 198.18.0.2, mac: '02:00:00:00:00:02' }",
       "f.yaml:3:91: neighbour 198.18.0.2 is not on port 'wan' but on 'lan', 'neighbours' of that port would "
       "be right\n"},
      {"{ address: 198.19.0.1, mac: '02:00:00:00:00:02' }",
       "f.yaml:3:91: neighbour 198.19.0.1 is our own address, the address of another station would be "
       "right\n"},
      {"{ address: 192.0.2.1, mac: '02:00:00:00:00:02' }",
       "f.yaml:3:91: neighbour 192.0.2.1 is on none of our networks, an address in 198.19.0.0/24 would be "
       "right\n"},
      {"{ address: 127.0.0.1, mac: '02:00:00:00:00:02' }",
       "f.yaml:3:91: 127.0.0.1 is a loopback address, the address of a neighbour would be right\n"},
      {"{ address: 'fe80::2', mac: '02:00:00:00:00:02' }",
       "f.yaml:3:91: port 'wan' speaks no IPv6, a port with an IPv6 address would be right\n"},
      {"{ address: 198.19.0.2, mac: '01:00:5e:00:00:02' }",
       "f.yaml:3:108: ports[1].neighbours[0].mac is '01:00:5e:00:00:02', the MAC address of one station like "
       "02:00:00:00:00:01 would be right\n"},
      {"{ address: 198.19.0.2, mac: '02:00:00:00:00:02' }, { address: 198.19.0.2, mac: '02:00:00:00:00:03' }",
       "f.yaml:3:142: neighbour 198.19.0.2 is there twice, one of them would be right\n"},
  };
  for (const Case& c2 : cases) EXPECT_EQ(problems(with(c2.neighbours)), c2.problems) << c2.neighbours;
}

TEST(Ports, static_neighbours_leave_room_for_others) {
  const auto with = [](const std::string& arp, int neighbours) {
    std::string all = "  - { name: wan, device: { tap: t1 }, addresses: [198.19.0.1/24], neighbours: [";
    for (int i = 2; i < 2 + neighbours; ++i)
      all += "{ address: 198.19.0." + std::to_string(i) + ", mac: '02:00:00:00:00:02' }, ";
    return all + "] }\narp: { " + arp + " }\n";
  };
  EXPECT_EQ(problems(with("neighbours: 64", 31)), "");
  EXPECT_EQ(problems(with("neighbours: 64", 32)),
            "f.yaml:3:79: so many leave no room for others in arp.neighbours_per_port, 32, a larger "
            "arp.neighbours_per_port would be right\n");
  EXPECT_EQ(problems(with("neighbours: 64, neighbours_per_port: 40", 32)), "");
  EXPECT_EQ(
      problems(with("neighbours_per_port: 15", 1)),
      "f.yaml:4:29: a port with 15 neighbours has no room for a network, 0 for half of arp.neighbours, or "
      "at "
      "least 16 would be right\n");
}

TEST(Ports, neighbours_are_printed_as_they_are_read) {
  const Config c = good(
      "  - { name: wan, device: { tap: t1 }, addresses: [198.19.0.1/24, '2001:2:0:2::1/64'], neighbours: [\n"
      "      { address: 198.19.0.2, mac: '02:00:00:00:0a:02' }, { address: '2001:2:0:2::7', mac: "
      "'02:00:00:00:00:07' } ] }\n");
  const auto again = load(print(c), "f.yaml", Environment{.cores = 4});
  ASSERT_TRUE(std::holds_alternative<Config>(again)) << print(c);
  const auto& neighbours = std::get<Config>(again).ports[1].neighbours;
  ASSERT_EQ(neighbours.size(), 2u);
  EXPECT_EQ(to_text(neighbours[0].address), "198.19.0.2");
  EXPECT_EQ(neighbours[0].mac, (Mac{{2, 0, 0, 0, 0x0a, 2}}));
  EXPECT_EQ(to_text(neighbours[1].address), "2001:2:0:2::7");
  EXPECT_EQ(neighbours[1].mac, (Mac{{2, 0, 0, 0, 0, 7}}));
  EXPECT_EQ(differences(c, std::get<Config>(again)), std::vector<std::string>{});
}

TEST(Differences, are_told_by_key) {
  const std::string base = "  - { name: wan, device: { tap: t1 } }\nworkers: { cores: [0, 1] }\n";
  struct Case {
    const char* claim;
    std::string to;
    std::vector<std::string> keys;
  };
  const Case cases[] = {
      {"nothing", base, {}},
      {"numbers and lists",
       "  - { name: wan, device: { tap: t1 }, mtu: 9000 }\nworkers: { cores: [1] }\n",
       {"ports[wan].mtu", "workers.cores"}},
      {"a default said is no difference", base + "memory: { packets: 16384 }\n", {}},
      {"another device",
       "  - { name: wan, device: { tap: t2 } }\nworkers: { cores: [0, 1] }\n",
       {"ports[wan].device"}},
      {"another name",
       "  - { name: dmz, device: { tap: t1 } }\nworkers: { cores: [0, 1] }\n",
       {"ports[dmz]", "ports[wan]"}},
      {"a section more",
       base + "metrics: { listen: 127.0.0.1:9464 }\necho: [ { listen: [198.18.0.1:7] } ]\n",
       {"echo[0]", "metrics.listen"}},
  };
  const Config a = good(base);
  for (const Case& c : cases) EXPECT_EQ(differences(a, good(c.to)), c.keys) << c.claim;
}

}  // namespace
}  // namespace sluice::config
