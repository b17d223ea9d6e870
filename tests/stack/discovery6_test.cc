// SPDX-License-Identifier: Apache-2.0
// What holds a link together: addresses proved free, neighbours, routers and hosts, groups (RFC 4861, 4862,
// 3810).
#include "ip6.h"

namespace sluice::test {
namespace {

// -- addresses

TEST_F(Stack6, an_address_is_proved_free_before_it_is_used) {
  make(quick());
  worker->turn(now);
  const Frames first = sent(0);
  sent(1);
  EXPECT_EQ(count_of(first, Icmp6Type::NeighbourSolicitation), 2u)
      << "for the link-local and the global address";
  EXPECT_EQ(count_of(first, Icmp6Type::Mld2Report), 1u);
  for (const Octets& f : first) {
    if (!is_icmp6(f, Icmp6Type::NeighbourSolicitation)) continue;
    EXPECT_TRUE(ip6_of(f).src().is_unspecified());
    EXPECT_EQ(ip6_of(f).hop_limit(), 255);
    const auto m = *wire::NeighbourMessage::parse(upper(f));
    EXPECT_EQ(ip6_of(f).dst(), m.target().solicited_node());
    EXPECT_EQ(wire::Ethernet::parse(f)->dst(), link::Mld::mac_of(m.target().solicited_node()));
    EXPECT_TRUE(m.target() == us6 || m.target() == our_link);
    EXPECT_TRUE(m.options().nonce) << "RFC 7527";
    EXPECT_FALSE(m.options().source);
  }
  gets(solicitation(us6, peer6, peer_mac));
  quiet();
  EXPECT_EQ(counted(Counter::nd_tentative), 1u);
  worker->run(now, 2_s);
  sent(0), sent(1);
  gets(solicitation(us6, peer6, peer_mac));
  EXPECT_TRUE(is_icmp6(one(), Icmp6Type::NeighbourAdvertisement));
}

TEST_F(Stack6, an_address_that_somebody_defends_is_not_used) {
  make(quick());
  worker->turn(now);
  sent(0);
  gets(advertisement(us6, mac(0x66), false, true, Ip6Addr::all_nodes()));
  worker->run(now, 5_s);
  sent(0), sent(1);
  EXPECT_EQ(counted(Counter::nd_duplicate), 1u);
  gets(solicitation(us6, peer6, peer_mac));
  gets(frame6(echo6({})));
  quiet();
  gets(solicitation(our_link, peer_link, peer_mac));
  EXPECT_TRUE(is_icmp6(one(), Icmp6Type::NeighbourAdvertisement)) << "the other address is fine";
}

TEST_F(Stack6, two_that_probe_for_one_address_both_give_way) {
  make(quick());
  worker->turn(now);
  gets(solicitation(us6, {}, {}, 0x1234));
  EXPECT_EQ(counted(Counter::nd_duplicate), 1u);
}

TEST_F(Stack6, our_own_probe_come_back_is_no_conflict) {
  make(quick());
  worker->turn(now);
  Octets mine;
  for (const Octets& f : sent(0))
    if (is_icmp6(f, Icmp6Type::NeighbourSolicitation) &&
        wire::NeighbourMessage::parse(upper(f))->target() == us6)
      mine = f;
  ASSERT_FALSE(mine.empty());
  mac(0x44).store(mine.data() + 6);  // through a bridge that hides where it came from
  gets(mine);
  EXPECT_EQ(counted(Counter::nd_duplicate), 0u);
  EXPECT_EQ(counted(Counter::nd_own), 1u);
}

// -- neighbours

TEST_F(Stack6, a_solicitation_is_answered_to_whoever_asked) {
  start();
  gets(solicitation(us6, peer6, peer_mac));
  const Octets f = one();
  EXPECT_EQ(wire::Ethernet::parse(f)->dst(), peer_mac);
  EXPECT_EQ(ip6_of(f).src(), us6);
  EXPECT_EQ(ip6_of(f).dst(), peer6);
  EXPECT_EQ(ip6_of(f).hop_limit(), 255);
  const auto m = *wire::NeighbourMessage::parse(upper(f));
  EXPECT_TRUE(m.solicited() && m.override_() && m.router());
  EXPECT_EQ(m.options().target, our_mac);
}

TEST_F(Stack6, a_probe_for_our_address_is_answered_to_all) {
  start();
  gets(solicitation(us6, {}, {}));
  const Octets f = one();
  EXPECT_EQ(ip6_of(f).dst(), Ip6Addr::all_nodes());
  EXPECT_FALSE(wire::NeighbourMessage::parse(upper(f))->solicited());
}

TEST_F(Stack6, discovery_that_came_through_a_router_is_refused) {
  start();
  gets(solicitation(us6, peer6, peer_mac, {}, 254));
  quiet();
  EXPECT_EQ(counted(Counter::nd_invalid), 1u);
}

TEST_F(Stack6, a_stranger_is_asked_for_before_it_is_answered) {
  start();
  const Ip6Addr stranger = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 0x33);
  gets(frame6(echo6({.src = stranger}), our_mac, mac(0x33)));
  const Octets ask = one();
  ASSERT_TRUE(is_icmp6(ask, Icmp6Type::NeighbourSolicitation));
  EXPECT_EQ(ip6_of(ask).dst(), stranger.solicited_node());
  EXPECT_EQ(ip6_of(ask).src(), us6);
  gets(advertisement(stranger, mac(0x33), true, true));
  const Octets reply = one();
  EXPECT_TRUE(is_icmp6(reply, Icmp6Type::EchoReply));
  EXPECT_EQ(wire::Ethernet::parse(reply)->dst(), mac(0x33));
}

TEST_F(Stack6, what_a_neighbour_said_unasked_is_proved_when_it_is_used) {
  start();
  const Ip6Addr other = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 0x44);
  gets(solicitation(us6, other, mac(0x44)));
  EXPECT_TRUE(is_icmp6(one(), Icmp6Type::NeighbourAdvertisement));
  gets(frame6(echo6({.src = other}), our_mac, mac(0x44)));
  const Frames f = sent();
  ASSERT_EQ(f.size(), 2u);
  EXPECT_EQ(count_of(f, Icmp6Type::EchoReply), 1u);
  EXPECT_EQ(count_of(f, Icmp6Type::NeighbourSolicitation), 1u);
  for (const Octets& x : f)
    EXPECT_EQ(wire::Ethernet::parse(x)->dst(), mac(0x44)) << "RFC 4861 §7.3.3: unicast";
  worker->run(now, 10_s);  // and it does not answer: gone
  sent();
  gets(frame6(echo6({.src = other}), our_mac, mac(0x44)));
  EXPECT_EQ(ip6_of(one()).dst(), other.solicited_node());
}

TEST_F(Stack6, an_advertisement_without_override_changes_no_mac) {
  start();
  gets(advertisement(peer6, mac(0x66), false, false, Ip6Addr::all_nodes()));
  gets(frame6(echo6({})));
  for (const Octets& f : sent()) EXPECT_EQ(wire::Ethernet::parse(f)->dst(), peer_mac);
}

TEST_F(Stack6, packets_for_a_neighbour_that_does_not_answer_are_refused) {
  start();
  const Octets f = frame6(udp6({.dst = Ip6Addr::of(0x2001, 2, 0, 2, 0, 0, 0, 0x66)}, 7, 7, "anybody?"));
  gets(f);
  EXPECT_TRUE(is_icmp6(one(1), Icmp6Type::NeighbourSolicitation));
  worker->run(now, 5_s);
  sent(1);
  Octets later = f;
  later[14 + 7]--;  // a hop less
  const Frames back = sent(0);
  ASSERT_EQ(count_of(back, Icmp6Type::Unreachable), 1u);
  for (const Octets& x : back)
    if (is_icmp6(x, Icmp6Type::Unreachable)) {
      EXPECT_EQ(upper(x)[1], 3);
      EXPECT_EQ(ip6_of(x).dst(), peer6);
    }
}

// -- routers and hosts

TEST_F(Stack6, a_router_advertises_itself_as_configured_and_says_goodbye) {
  WorkerPlan p = quick();
  p.advertise.resize(2);
  p.advertise[0] = {.enabled = true,
                    .head = {.lifetime = 900},
                    .prefixes = {{.prefix = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 0)}},
                    .rdnss = {us6},
                    .mtu = 1480};
  make(std::move(p));
  worker->run(now, 2_s);
  const Frames f = sent(0);
  EXPECT_EQ(count_of(sent(1), Icmp6Type::RouterAdvertisement), 0u);
  ASSERT_EQ(count_of(f, Icmp6Type::RouterAdvertisement), 1u);
  const auto& frame =
      *std::ranges::find_if(f, [](const Octets& x) { return is_icmp6(x, Icmp6Type::RouterAdvertisement); });
  EXPECT_EQ(ip6_of(frame).src(), our_link);
  EXPECT_EQ(ip6_of(frame).dst(), Ip6Addr::all_nodes());
  const auto ra = *wire::RouterAdvertisement::parse(upper(frame));
  EXPECT_EQ(ra.value().lifetime, 900);
  std::string options;
  wire::for_each_nd_option(
      ra.options(), [&](wire::NdOption o, Bytes) { options += std::to_string(static_cast<int>(o)) + " "; });
  EXPECT_EQ(options, "1 5 3 25 ");
  // RFC 4861 §6.2.6: a question is answered within half a second, but three seconds after the last.
  worker->run(now, 5_s);
  sent(0);
  Octets rs(8);
  rs[0] = 133;
  gets(frame6(icmp6({.src = peer_link, .dst = Ip6Addr::all_routers(), .hops = 255}, rs), Mac::ip6_group(2)));
  worker->run(now, 600_ms);
  EXPECT_EQ(count_of(sent(0), Icmp6Type::RouterAdvertisement), 1u);
  gets(frame6(icmp6({.src = peer_link, .dst = Ip6Addr::all_routers(), .hops = 255}, rs), Mac::ip6_group(2)));
  worker->run(now, 2_s);
  EXPECT_EQ(count_of(sent(0), Icmp6Type::RouterAdvertisement), 0u);
  worker->run(now, 2_s);
  EXPECT_EQ(count_of(sent(0), Icmp6Type::RouterAdvertisement), 1u);
  worker->stack().shut_down(now);
  const Frames last = sent(0);
  ASSERT_EQ(count_of(last, Icmp6Type::RouterAdvertisement), 1u);
  EXPECT_EQ(wire::RouterAdvertisement::parse(upper(last[0]))->value().lifetime, 0);
}

class Host6 : public Stack6 {
 protected:
  static WorkerPlan host() {
    WorkerPlan p = quick();
    p.ip.forward = false;
    p.interfaces.resize(1);
    p.interfaces[0].addresses = {{us, 24}};
    p.interfaces[0].slaac = true;
    return p;
  }
  Octets ra(uint16_t lifetime, uint32_t valid, uint32_t preferred) {
    Octets b(16 + 8 + 32);
    wire::RouterAdvertisement::emit(b.data(), {.lifetime = lifetime});
    wire::RouterAdvertisement::emit_source(b.data() + 16, peer_mac);
    wire::PrefixInformation{
        .prefix = Ip6Addr::of(0x2001, 2, 0, 7, 0, 0, 0, 0), .valid = valid, .preferred = preferred}
        .store(b.data() + 24);
    return frame6(icmp6({.src = peer_link, .dst = Ip6Addr::all_nodes(), .hops = 255}, b), Mac::ip6_group(1));
  }
  static constexpr Ip6Addr made = Ip6Addr::of(0x2001, 2, 0, 7, 0, 0xff, 0xfe00, 1);
  Frames sent() { return worker->sent(0); }
};

TEST_F(Host6, asks_for_routers_makes_an_address_and_finds_the_way_out) {
  make(host());
  worker->run(now, 2_s);
  EXPECT_EQ(count_of(sent(), Icmp6Type::RouterSolicitation), 1u);
  gets(ra(1800, 3600, 1800));
  worker->run(now, 2_s);
  EXPECT_EQ(count_of(sent(), Icmp6Type::NeighbourSolicitation), 1u) << "the new address is proved";
  const Ip6Addr remote = Ip6Addr::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
  gets(frame6(echo6({.src = remote, .dst = made})));
  gets(advertisement(peer_link, peer_mac, true, true, our_link));
  Frames f = sent();
  ASSERT_EQ(count_of(f, Icmp6Type::EchoReply), 1u);
  for (const Octets& x : f)
    if (is_icmp6(x, Icmp6Type::EchoReply)) {
      EXPECT_EQ(wire::Ethernet::parse(x)->dst(), peer_mac);
      EXPECT_EQ(ip6_of(x).src(), made);
      EXPECT_EQ(ip6_of(x).dst(), remote);
    }
  worker->run(now, 30_s);
  EXPECT_EQ(count_of(sent(), Icmp6Type::RouterSolicitation), 0u) << "it was answered";
}

TEST_F(Host6, a_router_that_goes_takes_the_way_out_with_it_and_a_prefix_expires) {
  make(host());
  worker->run(now, 2_s);
  gets(ra(1800, 3 * 3600, 1800));
  worker->run(now, 2_s);
  const Ip6Addr remote = Ip6Addr::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
  gets(ra(0, 3 * 3600, 1800));
  sent();
  gets(frame6(echo6({.src = remote, .dst = made})));
  EXPECT_EQ(count_of(sent(), Icmp6Type::EchoReply), 0u);
  // RFC 4862 §5.5.3 (e): an unauthenticated advertisement leaves it two hours.
  gets(ra(1800, 10, 10));
  worker->run(now, 7100_s);
  gets(solicitation(made, peer_link, peer_mac));
  EXPECT_EQ(count_of(sent(), Icmp6Type::NeighbourAdvertisement), 1u);
  worker->run(now, 200_s);
  sent();
  gets(solicitation(made, peer_link, peer_mac));
  EXPECT_EQ(count_of(sent(), Icmp6Type::NeighbourAdvertisement), 0u);
}

TEST_F(Host6, a_flood_of_advertisements_is_bounded) {
  make(host());
  worker->run(now, 2_s);
  for (uint16_t i = 0; i < 1000; ++i) {
    Octets b(16 + 32);
    wire::RouterAdvertisement::emit(b.data(), {});
    wire::PrefixInformation{.prefix = Ip6Addr::of(0x2001, 2, i, 7, 0, 0, 0, 0)}.store(b.data() + 16);
    const Ip6Addr router = Ip6Addr::of(0xfe80, 0, 0, 0, 0, 0, 1, i);
    gets(frame6(icmp6({.src = router, .dst = Ip6Addr::all_nodes(), .hops = 255}, b), Mac::ip6_group(1)));
  }
  worker->run(now, 5_s);
  EXPECT_EQ(worker->stack().link().ip6().own().size(), 1u + worker->plan.nd.slaac_prefixes);
  EXPECT_EQ(counted(Counter::nd_too_many), (1000 - 4) + 2 * (1000 - 8));
  sent();
}

TEST_F(Stack6, a_general_query_is_answered_with_all_groups) {
  start();
  Octets q(28);
  q[0] = 130;
  store_be<uint16_t>(q.data() + 4, 1000);
  Octets body = join({58, 0, 5, 2, 0, 0, 1, 0}, q);
  Icmp6::seal({body.data() + 8, 28}, peer_link, Ip6Addr::all_nodes());
  gets(frame6(ip6({.src = peer_link, .dst = Ip6Addr::all_nodes(), .next = 0, .hops = 1}, body),
              Mac::ip6_group(1)));
  worker->run(now, 1100_ms);
  const Frames f = sent();
  ASSERT_EQ(count_of(f, Icmp6Type::Mld2Report), 1u);
  const auto& report =
      *std::ranges::find_if(f, [](const Octets& x) { return is_icmp6(x, Icmp6Type::Mld2Report); });
  EXPECT_EQ(ip6_of(report).dst(), Ip6Addr::all_mld2_routers());
  EXPECT_EQ(ip6_of(report).hop_limit(), 1);
  EXPECT_EQ(ip6_of(report).next_header(), 0) << "hop-by-hop: the router alert";
  // All routers, and one solicited-node group: the two addresses share it.
  EXPECT_EQ(load_be<uint16_t>(upper(report).data() + 6), 2);
}

}  // namespace
}  // namespace sluice::test
