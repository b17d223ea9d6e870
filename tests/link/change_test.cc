// SPDX-License-Identifier: Apache-2.0
// Static neighbours, limits per port, and a new configuration while the room runs: in virtual time.
#include <algorithm>

#include "room.h"

namespace sluice::link {
namespace {

constexpr Ip4Addr second_us = Ip4Addr::of(203, 0, 113, 1), second_peer = Ip4Addr::of(203, 0, 113, 9);

class LinkChange : public LinkTest {
 protected:
  LinkChange() : LinkTest{{{{.mac = our_mac}, {{us, 24}}}, {{.mac = mac(2)}, {{test::us_wan, 24}}}}} {
    restart();
  }
  void restart(bool writer = true) {
    room = std::make_unique<Link>(options, ports, writer, test::packet_pool(), count, rng);
    passes(10_s);
    sent.clear();
  }
  void changes(const std::vector<Advertise>& advertise = {}) {
    tx.ports(ports.size());
    room->change(ports, advertise, now, tx);
    tx.flush();
  }
  // The MACs that frames with IP went to since the last time.
  std::vector<Mac> destinations() {
    std::vector<Mac> all;
    for (const Octets& f : sent)
      if (Ethernet::parse(f)->type() != EtherType::Arp) all.push_back(Ethernet::parse(f)->dst());
    sent.clear();
    return all;
  }
  size_t requests_for(Ip4Addr who) const {
    return static_cast<size_t>(std::ranges::count_if(sent, [&](const Octets& f) {
      if (Ethernet::parse(f)->type() != EtherType::Arp) return false;
      const auto v = Arp::parse(Bytes{f}.subspan(14))->value();
      return v.op == ArpOp::Request && v.target == who;
    }));
  }
  size_t failed() {
    buf::Egresses e;
    room->take_failed(e);
    return e.size();
  }
  const Neighbour* neighbour(const IpAddr& a, uint16_t port = 0) const {
    return room->neighbours().find(port, a);
  }
};

TEST_F(LinkChange, a_static_neighbour_is_used_at_once_and_for_ever_without_being_asked) {
  ports[0].neighbours = {{peer, peer_mac}, {*parse_ip("2001:2::9"), mac(7)}};
  ports[0].ip6 = true;
  restart();
  outputs("a", peer);
  outputs("b", *parse_ip("2001:2::9"));
  EXPECT_EQ(destinations(), (std::vector<Mac>{peer_mac, mac(7)}));
  for (int day = 0; day < 3; ++day) {
    passes(86400_s);
    sent.clear();
    outputs("c", peer);
    EXPECT_EQ(requests_for(peer), 0u);
    EXPECT_EQ(destinations(), std::vector<Mac>{peer_mac});
  }
}

TEST_F(LinkChange, nothing_on_the_network_changes_a_static_neighbour_and_attempts_are_counted) {
  ports[0].neighbours = {{peer, peer_mac}};
  restart();
  gets_arp({ArpOp::Request, mac(66), peer, Mac{}, us});
  gets_arp({ArpOp::Request, mac(66), peer, Mac{}, peer});
  gets_arp({ArpOp::Reply, mac(66), peer, our_mac, us});
  EXPECT_EQ(count[Counter::neighbours_contradicted], 3u);
  gets_arp({ArpOp::Request, peer_mac, peer, Mac{}, us});
  EXPECT_EQ(count[Counter::neighbours_contradicted], 3u) << "who says the same is no liar";
  for (const auto kind : {Message::Kind::Known, Message::Kind::Gone}) {
    restart(false);
    room->on_message({.kind = kind, .solicited = true, .port = 0, .mac = mac(66), .addr = peer}, now, tx);
    outputs("a", peer);
    EXPECT_EQ(destinations(), std::vector<Mac>{peer_mac});
  }
}

TEST_F(LinkChange, a_flood_of_strangers_never_takes_a_static_neighbours_place) {
  options.neighbours = 16;
  options.neighbours_per_port = 16;
  ports[0].neighbours = {{peer, peer_mac}};
  restart();
  for (uint8_t i = 10; i < 100; ++i)
    gets_arp({ArpOp::Request, mac(i), Ip4Addr::of(198, 18, 0, i), Mac{}, us});
  sent.clear();
  outputs("a", peer);
  EXPECT_EQ(destinations(), std::vector<Mac>{peer_mac});
  EXPECT_EQ(room->neighbours().size(), 16u);
}

TEST_F(LinkChange, a_flood_on_one_port_leaves_the_other_ports_neighbours_alone) {
  options.neighbours = 64;
  options.neighbours_per_port = 32;
  restart();
  for (uint8_t i = 10; i < 30; ++i)
    gets_arp({ArpOp::Request, mac(i), Ip4Addr::of(198, 19, 0, i), Mac{}, test::us_wan}, 1);
  EXPECT_EQ(room->neighbours().size_on(1), 20u);
  for (int round = 0; round < 20; ++round)
    for (uint8_t i = 10; i < 250; ++i)
      gets_arp({ArpOp::Request, mac(i), Ip4Addr::of(198, 18, 0, i), Mac{}, us});
  EXPECT_EQ(room->neighbours().size_on(0), 32u);
  EXPECT_EQ(room->neighbours().size_on(1), 20u);
  EXPECT_GT(count[Counter::neighbours_evicted], 0u);
  // Nothing to give up: those that we talk to. A newcomer is refused, and counted.
  options.neighbours_per_port = 16;
  restart();
  for (uint8_t i = 10; i < 30; ++i) outputs("x", Ip4Addr::of(198, 18, 0, i));
  EXPECT_EQ(room->neighbours().size_on(0), 16u);
  EXPECT_EQ(count[Counter::neighbours_port_full], 4u);
}

TEST_F(LinkChange, addresses_come_announced_and_go_silent) {
  ports[0].addresses.push_back({second_us, 24});
  changes();
  passes(10_s);
  EXPECT_EQ(requests_for(second_us), options.announce_num);
  EXPECT_EQ(requests_for(us), 0u) << "an address that stays is not announced again";
  sent.clear();
  gets_arp({ArpOp::Request, peer_mac, second_peer, Mac{}, second_us});
  EXPECT_EQ(sent.size(), 1u);
  sent.clear();
  ports[0].addresses.pop_back();
  changes();
  gets_arp({ArpOp::Request, peer_mac, second_peer, Mac{}, second_us});
  EXPECT_TRUE(sent.empty());
  gets_arp({ArpOp::Request, peer_mac, peer, Mac{}, us});
  EXPECT_EQ(sent.size(), 1u);
}

TEST_F(LinkChange, neighbours_of_a_network_left_go_and_all_others_stay) {
  ports[0].addresses.push_back({second_us, 24});
  restart();
  gets_arp({ArpOp::Request, peer_mac, peer, Mac{}, us});
  gets_arp({ArpOp::Request, mac(8), second_peer, Mac{}, second_us});
  outputs("waits", Ip4Addr::of(203, 0, 113, 77));
  ASSERT_NE(neighbour(second_peer), nullptr);
  ports[0].addresses.pop_back();
  changes();
  EXPECT_EQ(neighbour(second_peer), nullptr);
  EXPECT_EQ(failed(), 1u) << "what waited there is told";
  ASSERT_NE(neighbour(peer), nullptr);
  sent.clear();
  outputs("b", peer);
  EXPECT_EQ(destinations(), std::vector<Mac>{peer_mac});
}

TEST_F(LinkChange, a_port_that_goes_takes_all_its_neighbours_with_it_and_tells_what_waited) {
  const IpAddr beside = *parse_ip("fe80::9"), off_link = *parse_ip("203.0.113.9");
  ports[0].addresses.push_back(*parse_prefix("2001:2::1/64"));
  ports[0].ip6 = true;
  restart();
  const auto elsewhere = Ip4Addr::of(198, 19, 0, 9);
  gets_arp({ArpOp::Request, peer_mac, peer, Mac{}, us});
  gets_arp({ArpOp::Request, mac(8), elsewhere, Mac{}, test::us_wan}, 1);
  for (const IpAddr& a : {beside, off_link, *parse_ip("2001:2::9")}) outputs("waits", a);
  EXPECT_EQ(room->neighbours().size_on(0), 4u);
  ports[0] = {{.mac = our_mac}, {}};
  changes();
  EXPECT_EQ(room->neighbours().size_on(0), 0u);
  EXPECT_EQ(failed(), 3u);
  EXPECT_NE(neighbour(elsewhere, 1), nullptr);
}

// More than the others hear of at once: link's own limit is 64 changes.
TEST_F(LinkChange, many_ipv6_addresses_become_ours_and_none_is_kept_from_the_other_rooms) {
  NdOptions nd;
  nd.dad_transmits = 0;
  for (int i = 1; i <= 200; ++i) ports[0].addresses.push_back({Ip6Addr::of(0x2001, 2, 0, 0, 0, 0, 0, i), 64});
  ports[0].ip6 = true;
  room = std::make_unique<Link>(options, ports, true, test::packet_pool(), count, rng,
                                Ip6Plan{.options = nd, .advertise = {}});
  std::vector<Ip6Addr> told;
  for (int turns = 0; turns < 100; ++turns) {
    now = now + 10_ms;
    room->expire(now, tx);
    AddressChanges changes;
    room->take_changes(changes);
    Messages to_workers;
    room->take_messages(to_workers);
    for (const AddressChange& c : changes)
      if (c.kind == AddressChange::Kind::Use) told.push_back(c.addr);
  }
  tx.flush();
  std::ranges::sort(told);
  told.erase(std::ranges::unique(told).begin(), told.end());
  EXPECT_EQ(told.size(), 201u) << "the link-local one with them";
  EXPECT_EQ(count[Counter::nd_changes_lost], 0u);
}

TEST_F(LinkChange, a_port_that_leaves_ipv6_keeps_its_neighbours_of_ipv4) {
  ports[0].addresses.push_back(*parse_prefix("2001:2::1/64"));
  ports[0].ip6 = true;
  restart();
  gets_arp({ArpOp::Request, peer_mac, peer, Mac{}, us});
  outputs("waits", *parse_ip("fe80::9"));
  ports[0].addresses.pop_back();
  ports[0].ip6 = false;
  changes();
  EXPECT_EQ(neighbour(*parse_ip("fe80::9")), nullptr);
  EXPECT_NE(neighbour(peer), nullptr);
}

TEST_F(LinkChange, a_static_neighbour_finds_room_in_a_full_table_and_on_a_full_port) {
  for (const uint32_t all : {16u, 64u}) {
    options.neighbours = all;
    options.neighbours_per_port = 16;
    ports[0].neighbours.clear();
    restart();
    // Asked for a moment ago, or answered: nothing here is worth less than any newcomer.
    for (uint8_t i = 10; i < 26; ++i) {
      const Ip4Addr who = Ip4Addr::of(198, 18, 0, i);
      outputs("x", who);
      if (i % 2 == 0) gets_arp({ArpOp::Reply, mac(i), who, our_mac, us});
    }
    ASSERT_EQ(room->neighbours().size_on(0), 16u);
    outputs("x", Ip4Addr::of(198, 18, 0, 99));
    ASSERT_EQ(neighbour(Ip4Addr::of(198, 18, 0, 99)), nullptr) << "a newcomer is refused";
    sent.clear();
    ports[0].neighbours = {{peer, mac(77)}, {Ip4Addr::of(198, 18, 0, 10), mac(78)}};
    changes();
    EXPECT_EQ(room->neighbours().size(), 16u);
    outputs("a", peer);
    outputs("b", Ip4Addr::of(198, 18, 0, 10));
    EXPECT_EQ(destinations(), (std::vector<Mac>{mac(77), mac(78)}));
    ports[0].neighbours.clear();
  }
}

TEST_F(LinkChange, no_port_has_more_than_half_of_the_table_unless_it_is_said) {
  options.neighbours = 64;
  options.neighbours_per_port = 0;
  restart();
  for (uint8_t i = 10; i < 100; ++i) outputs("x", Ip4Addr::of(198, 18, 0, i));
  EXPECT_EQ(room->neighbours().size_on(0), 32u);
  EXPECT_EQ(count[Counter::neighbours_port_full], 90u - 32u);
  outputs("x", Ip4Addr::of(198, 19, 0, 9), 1);
  EXPECT_EQ(room->neighbours().size_on(1), 1u);
}

TEST_F(LinkChange, static_neighbours_come_with_what_waited_and_go) {
  outputs("waits", peer);
  sent.clear();
  ports[0].neighbours = {{peer, mac(8)}};
  changes();
  EXPECT_EQ(destinations(), std::vector<Mac>{mac(8)});
  ports[0].neighbours = {{peer, mac(9)}};
  changes();
  outputs("b", peer);
  EXPECT_EQ(destinations(), std::vector<Mac>{mac(9)});
  ports[0].neighbours.clear();
  changes();
  EXPECT_EQ(neighbour(peer), nullptr);
  outputs("c", peer);
  EXPECT_EQ(requests_for(peer), 1u) << "a neighbour like any other again";
}

TEST_F(LinkChange, a_port_comes_and_goes) {
  ports.push_back({{.mac = mac(3)}, {{second_us, 24}, *parse_prefix("2001:2::1/64")}});
  ports[2].ip6 = true;
  changes();
  passes(10_s);
  EXPECT_EQ(requests_for(second_us), options.announce_num);
  AddressChanges told;
  room->take_changes(told);
  const auto uses = std::ranges::count(told, AddressChange::Kind::Use, &AddressChange::kind);
  EXPECT_GE(uses, 2) << "the address and the link-local one";
  gets_arp({ArpOp::Request, mac(8), second_peer, Mac{}, second_us}, 2);
  ports[2].addresses.clear();
  ports[2].ip6 = false;
  changes();
  EXPECT_EQ(neighbour(second_peer, 2), nullptr);
  EXPECT_TRUE(room->ip6().own().empty());
  told.clear();
  room->take_changes(told);
  EXPECT_EQ(std::ranges::count(told, AddressChange::Kind::Drop, &AddressChange::kind), 2);
}

TEST_F(LinkChange, advertisements_begin_change_and_end_with_a_farewell) {
  ports[0].ip6 = true;
  restart();
  const auto advertisements = [&] {
    std::vector<uint16_t> lifetimes;
    for (const Octets& f : sent)
      if (Ethernet::parse(f)->type() == EtherType::Ip6 && f.size() > 54 + 16 && f[14 + 6] == 58 &&
          f[54] == 134)
        lifetimes.push_back(load_be<uint16_t>(f.data() + 60));
    sent.clear();
    return lifetimes;
  };
  std::vector<Advertise> said(2);
  changes(said);
  passes(3600_s);
  EXPECT_TRUE(advertisements().empty());
  said[0].enabled = true;
  said[0].head.lifetime = 1800;
  changes(said);
  passes(1_s);
  EXPECT_EQ(advertisements(), std::vector<uint16_t>{1800});
  passes(60_s);
  (void)advertisements();
  said[0].head.lifetime = 900;
  changes(said);
  passes(1_s);
  EXPECT_EQ(advertisements(), std::vector<uint16_t>{900}) << "hosts hear at once";
  passes(5_s);
  changes(said);
  passes(5_s);
  EXPECT_TRUE(advertisements().empty()) << "a change of something else is no news";
  said[0].enabled = false;
  changes(said);
  EXPECT_EQ(advertisements(), std::vector<uint16_t>{0});
  passes(3600_s);
  EXPECT_TRUE(advertisements().empty());
}

}  // namespace
}  // namespace sluice::link
