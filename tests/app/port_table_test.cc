// SPDX-License-Identifier: Apache-2.0
// Ports keep their numbers, and numbers are given again, over changes of the configuration.
#include "app/port_table.h"

#include <gtest/gtest.h>

namespace sluice::app {
namespace {

config::Port device(const std::string& name) { return {.name = name}; }
config::Port vlan(const std::string& name, const std::string& parent, uint16_t vlan, uint16_t outer = 0) {
  return {.name = name, .parent = parent, .vlan = vlan, .outer_vlan = outer};
}
config::Config with(std::vector<config::Port> ports) {
  config::Config c;
  c.ports = std::move(ports);
  return c;
}
std::vector<std::string> names(const PortTable& t) {
  std::vector<std::string> all;
  for (size_t i = 0; i < t.size(); ++i) all.push_back(t[i].name);
  return all;
}
using Names = std::vector<std::string>;

TEST(PortTable, numbers_devices_first_then_ports_with_a_parent) {
  const PortTable t{with({vlan("a", "lan", 1), device("wan"), vlan("b", "wan", 2, 3), device("lan")})};
  EXPECT_EQ(names(t), (Names{"wan", "lan", "a", "b"}));
  EXPECT_EQ(t.devices(), 2u);
  EXPECT_EQ(t[2].device, 1u);
  EXPECT_EQ(t[3].device, 0u);
  EXPECT_EQ(t.number("b"), 3u);
  EXPECT_FALSE(t[0].tags);
  EXPECT_EQ(*t[3].tags, (link::Tags{.vlan = 2, .outer_vlan = 3}));
}

TEST(PortTable, a_port_keeps_its_number_whatever_its_place_in_the_file) {
  const PortTable t{with({device("lan"), device("wan"), vlan("a", "lan", 1), vlan("b", "lan", 2)})};
  const auto later = t.following(
      with({vlan("c", "wan", 1), vlan("b", "lan", 2), device("wan"), device("lan"), vlan("a", "lan", 1)}));
  EXPECT_EQ(names(later), (Names{"lan", "wan", "a", "b", "c"}));
}

TEST(PortTable, the_number_of_a_port_taken_away_is_nobodys_until_a_later_change) {
  const auto both = with({device("lan"), vlan("a", "lan", 1), vlan("b", "lan", 2)});
  const PortTable t{both};
  const auto one = with({device("lan"), vlan("b", "lan", 2), vlan("c", "lan", 3)});
  const PortTable second = t.following(one);
  EXPECT_EQ(names(second), (Names{"lan", "", "b", "c"})) << "while the old one's last packets leave";
  EXPECT_EQ(second.find(one, 1), nullptr);
  const PortTable third =
      second.following(with({device("lan"), vlan("b", "lan", 2), vlan("c", "lan", 3), vlan("d", "lan", 4)}));
  EXPECT_EQ(names(third), (Names{"lan", "d", "b", "c"}));
  EXPECT_EQ(third[1].tags->vlan, 4u);
}

TEST(PortTable, grows_by_numbers_that_are_nobodys_yet) {
  const PortTable t{with({device("lan"), vlan("a", "lan", 1)})};
  const PortTable next = t.following(with({device("lan"), vlan("b", "lan", 2)}));
  EXPECT_EQ(names(next), (Names{"lan", "", "b"}));
  const PortTable grown = t.grown(next);
  EXPECT_EQ(names(grown), (Names{"lan", "a", ""}));
  EXPECT_EQ(grown[2].tags, next[2].tags);
}

TEST(PortTable, another_name_or_another_tag_is_another_port) {
  const PortTable t{with({device("lan"), device("wan"), vlan("a", "lan", 1)})};
  struct Case {
    const char* claim;
    config::Port port;
    bool same;
  };
  const Case cases[] = {{"itself", vlan("a", "lan", 1), true},
                        {"another VLAN", vlan("a", "lan", 2), false},
                        {"a second tag", vlan("a", "lan", 1, 9), false},
                        {"another trunk", vlan("a", "wan", 1), false},
                        {"another name", vlan("z", "lan", 1), false}};
  for (const Case& c : cases) {
    const auto to = with({device("lan"), device("wan"), c.port});
    const PortTable next = t.following(to);
    EXPECT_EQ(next[2].name == "a", c.same) << c.claim;
    EXPECT_TRUE(t.keeps(2, next)) << "it has the number to itself until a later change";
    // When the number is given again, to a port of the same tags even, it is another port.
    const PortTable empty = t.following(with({device("lan"), device("wan")}));
    EXPECT_EQ(t.keeps(2, empty), true) << "what is still sent to it dies there";
    const PortTable again = empty.following(to);
    EXPECT_EQ(again[2].name, c.port.name) << c.claim;
    EXPECT_FALSE(empty.keeps(2, again)) << c.claim;
  }
  const PortTable more =
      t.following(with({device("lan"), device("wan"), vlan("a", "lan", 1), vlan("b", "lan", 2)}));
  EXPECT_FALSE(t.keeps(3, more)) << "there was none";
}

config::Port in_vrf(config::Port p, const char* vrf) {
  p.vrf = vrf;
  return p;
}

TEST(PortTable, a_vrf_keeps_its_number_and_no_other_gets_it) {
  const PortTable t{with({device("lan"), in_vrf(device("wan"), "red"), in_vrf(vlan("a", "lan", 1), "blue")})};
  EXPECT_EQ(t.vrfs(), (Names{"default", "red", "blue"}));
  EXPECT_EQ(t[1].vrf, 1u);
  EXPECT_EQ(t[2].vrf, 2u);
  const PortTable less = t.following(with({device("lan"), in_vrf(device("wan"), "red")}));
  EXPECT_EQ(less.vrfs(), t.vrfs());
  EXPECT_EQ(less[2].vrf, 2u) << "what still waits there is the VRF's";
  const PortTable more = less.following(
      with({device("lan"), in_vrf(device("wan"), "red"), in_vrf(vlan("b", "lan", 2), "green")}));
  EXPECT_EQ(more.vrfs(), (Names{"default", "red", "blue", "green"}));
  EXPECT_EQ(more.vrf("green"), 3u);
  EXPECT_EQ(names(more), (Names{"lan", "wan", "", "b"})) << "the number is kept for a port of its VRF";
  const PortTable back =
      more.following(with({device("lan"), in_vrf(device("wan"), "red"), in_vrf(vlan("b", "lan", 2), "green"),
                           in_vrf(vlan("c", "lan", 3), "blue")}));
  EXPECT_EQ(names(back), (Names{"lan", "wan", "c", "b"}));
  EXPECT_EQ(less.grown(more).vrfs(), more.vrfs());
}

TEST(PortTable, in_another_vrf_a_port_is_another) {
  const PortTable t{with({device("lan"), in_vrf(vlan("a", "lan", 1), "red")})};
  const PortTable next = t.following(with({device("lan"), in_vrf(vlan("a", "lan", 1), "blue")}));
  EXPECT_EQ(names(next), (Names{"lan", "", "a"}));
  EXPECT_EQ(next[2].vrf, next.vrf("blue"));
}

}  // namespace
}  // namespace sluice::app
