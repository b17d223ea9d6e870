// SPDX-License-Identifier: Apache-2.0
#include <rte_mbuf.h>

#include "ip/room.h"

namespace sluice::ip {
namespace {

using test::far;
using test::Octets;
using test::peer;
using test::us;

using IpInput = test::IpRoom;

Octets text4(test::Ip4Spec s) { return test::udp4(s, 1, 2, "text"); }

TEST_F(IpInput, sorts_by_destination_and_protocol) {
  input(text4({}));
  input(text4({.dst = test::us_wan}));  // the weak host model
  input(test::ip4({.proto = IpProto::Tcp}, Octets(20)));
  input(test::ip4({.proto = IpProto::Icmp}, Octets(8)));
  input(test::ip4({.proto = static_cast<IpProto>(47)}, Octets(8)));
  input(text4({.dst = far}));
  EXPECT_EQ(in.udp.size(), 2u);
  EXPECT_EQ(in.tcp.size(), 1u);
  EXPECT_EQ(in.icmp.size(), 1u);
  EXPECT_EQ(in.unknown_protocol.size(), 1u);
  EXPECT_EQ(in.transit.size(), 1u);
  EXPECT_EQ(drops(), 0u);
  EXPECT_EQ(count[Counter::ip_local], 5u);
}

TEST_F(IpInput, sets_the_header_lengths_and_cuts_the_padding) {
  Octets f = test::frame(test::udp4({.options = {1, 1, 1, 1}}, 1, 2, "x"));
  const size_t frame_size = f.size();
  f.resize(60, 0xaa);
  input(test::received(f));
  ASSERT_EQ(in.udp.size(), 1u);
  const buf::Packet& p = in.udp[0];
  EXPECT_EQ(p.size(), frame_size);
  EXPECT_EQ(p.l2_len(), 14u);
  EXPECT_EQ(p.l3_len(), 24u);
  EXPECT_EQ(wire::Udp::parse(p.l4())->dst(), Port{2});
}

TEST_F(IpInput, a_chain_is_for_tcp_alone_and_must_hold_what_its_header_says) {
  const auto chain = [](IpProto proto, Ip4Addr dst, size_t says, size_t holds) {
    Octets d = test::ip4({.dst = dst, .proto = proto}, Octets(says, 0x11));
    d.resize(20 + holds, 0x22);
    Octets f = test::frame(d);
    buf::Packet first = test::received({f.begin(), f.begin() + 300});
    for (size_t at = 300; at < f.size(); at += 1'500) {
      const Octets piece(f.begin() + static_cast<ptrdiff_t>(at),
                         f.begin() + static_cast<ptrdiff_t>(std::min(at + 1'500, f.size())));
      check(rte_pktmbuf_chain(first.raw(), test::packet_of(piece).release()) == 0, "a chain of pieces");
    }
    return first;
  };
  struct Case {
    const char* claim;
    IpProto proto;
    Ip4Addr dst;
    size_t says, holds;
    Counter why;
  };
  const Case cases[] = {
      {"TCP for us", IpProto::Tcp, us, 5'000, 5'000, Counter::ip_local},
      {"with padding", IpProto::Tcp, us, 5'000, 5'010, Counter::ip_local},
      {"one octet short", IpProto::Tcp, us, 5'001, 5'000, Counter::ip_truncated},
      {"a whole segment too much", IpProto::Tcp, us, 4'000, 6'000, Counter::link_scattered},
      {"UDP for us", IpProto::Udp, us, 5'000, 5'000, Counter::link_scattered},
      {"a ping", IpProto::Icmp, us, 5'000, 5'000, Counter::link_scattered},
      {"for another", IpProto::Tcp, far, 5'000, 5'000, Counter::link_scattered},
  };
  for (const Case& c : cases) {
    in = {};
    const uint64_t before = count[c.why];
    input(chain(c.proto, c.dst, c.says, c.holds));
    EXPECT_EQ(count[c.why], before + 1) << c.claim;
    EXPECT_EQ(in.tcp.size(), c.why == Counter::ip_local ? 1u : 0u) << c.claim;
    EXPECT_TRUE(in.udp.empty() && in.icmp.empty() && in.transit.empty()) << c.claim;
    for (const buf::Packet& p : in.tcp) EXPECT_EQ(p.size(), 14u + 20 + c.says) << c.claim;
  }
}

TEST_F(IpInput, every_bad_datagram_dies_of_its_own_reason) {
  const auto broken = [](size_t at, uint8_t value) {
    Octets b = text4({});
    b[at] = value;
    return b;
  };
  const auto from = [](Ip4Addr src) { return text4({.src = src}); };
  const auto to = [](Ip4Addr dst) { return text4({.dst = dst}); };
  Octets cut = text4({});
  cut.pop_back();
  struct Case {
    const char* claim;
    Octets datagram;
    Counter why;
    Mac frame_to = test::our_mac;
  };
  const Case cases[] = {
      {"nothing", {}, Counter::ip_truncated},
      {"nineteen octets", Octets(19, 0x45), Counter::ip_truncated},
      {"cut in the middle", cut, Counter::ip_truncated},
      {"version 6", broken(0, 0x65), Counter::ip_version},
      {"short header", broken(0, 0x44), Counter::ip_length},
      {"wrong checksum", broken(8, 63), Counter::ip_checksum},
      {"an option of length 0", text4({.options = {7, 0, 0, 0}}), Counter::ip_bad_option},
      {"a loose source route", text4({.options = {131, 3, 4, 0}}), Counter::ip_source_route},
      {"from this network", from(Ip4Addr::of(0, 0, 0, 9)), Counter::ip_martian_source},
      {"from nobody", from({}), Counter::ip_martian_source},
      {"from loopback", from(Ip4Addr::of(127, 0, 0, 1)), Counter::ip_martian_source},
      {"from a group", from(Ip4Addr::of(224, 0, 0, 1)), Counter::ip_martian_source},
      {"from a reserved address", from(Ip4Addr::of(240, 0, 0, 1)), Counter::ip_martian_source},
      {"from the limited broadcast", from({UINT32_MAX}), Counter::ip_martian_source},
      {"from our network's broadcast", from(Ip4Addr::of(198, 18, 0, 255)), Counter::ip_martian_source},
      {"from our network itself", from(Ip4Addr::of(198, 18, 0, 0)), Counter::ip_martian_source},
      {"to the other network itself", to(Ip4Addr::of(198, 19, 0, 0)), Counter::ip_directed_broadcast},
      {"from ourselves", from(us), Counter::ip_spoofed},
      {"from our other address", from(test::us_wan), Counter::ip_spoofed},
      {"to loopback", to(Ip4Addr::of(127, 0, 0, 1)), Counter::ip_martian_destination},
      {"to this network", to(Ip4Addr::of(0, 1, 2, 3)), Counter::ip_martian_destination},
      {"to a reserved address", to(Ip4Addr::of(250, 0, 0, 1)), Counter::ip_martian_destination},
      {"to a group", to(Ip4Addr::of(224, 0, 0, 251)), Counter::ip_multicast},
      {"to the other network's broadcast", to(Ip4Addr::of(198, 19, 0, 255)), Counter::ip_directed_broadcast},
      {"for others in a broadcast frame", to(far), Counter::ip_link_broadcast, Mac::broadcast()},
      {"for us in a broadcast frame", to(us), Counter::ip_link_broadcast, Mac::broadcast()},
      {"link-local to pass on", to(Ip4Addr::of(169, 254, 1, 1)), Counter::ip_link_local},
      {"from link-local to pass on", text4({.src = Ip4Addr::of(169, 254, 1, 1), .dst = far}),
       Counter::ip_link_local},
      {"TCP to a broadcast",
       test::ip4({.dst = Ip4Addr::of(198, 18, 0, 255), .proto = IpProto::Tcp}, Octets(20)),
       Counter::ip_broadcast_tcp},
  };
  for (const Case& c : cases) {
    const uint64_t before = count[c.why], all = drops();
    input(c.datagram, 0, c.frame_to);
    EXPECT_EQ(count[c.why], before + 1) << c.claim;
    EXPECT_EQ(drops(), all + 1) << c.claim << ": one reason only";
    EXPECT_TRUE(nothing()) << c.claim;
  }
}

TEST_F(IpInput, broadcasts_of_the_ports_own_network_are_for_us) {
  input(text4({.dst = Ip4Addr::of(198, 18, 0, 255)}), 0, Mac::broadcast());
  input(text4({.dst = {UINT32_MAX}}), 0, Mac::broadcast());
  EXPECT_EQ(in.udp.size(), 2u);
  EXPECT_EQ(drops(), 0u);
}

TEST_F(IpInput, harmless_options_do_not_matter) {
  input(text4({.options = {7, 7, 4, 0, 0, 0, 0, 0}}));
  input(text4({.dst = far, .options = {148, 4, 0, 0}}));
  EXPECT_EQ(in.udp.size(), 1u);
  EXPECT_EQ(in.transit.size(), 1u);
}

TEST_F(IpInput, believes_the_device_about_the_header_checksum) {
  Octets wrong = text4({});
  wrong[10] ^= 1;
  buf::Packet good = test::received(test::frame(wrong)), bad = test::received(test::frame(text4({})));
  good.request(RTE_MBUF_F_RX_IP_CKSUM_GOOD);
  bad.request(RTE_MBUF_F_RX_IP_CKSUM_BAD);
  input(std::move(good));
  input(std::move(bad));
  EXPECT_EQ(in.udp.size(), 1u);
  EXPECT_EQ(count[Counter::ip_checksum], 1u);
}

TEST_F(IpInput, a_host_forwards_nothing) {
  options.forward = false;
  rebuild();
  input(text4({.dst = far}));
  EXPECT_TRUE(nothing());
  EXPECT_EQ(count[Counter::ip_not_forwarding], 1u);
}

TEST_F(IpInput, fragments_for_others_pass_by_the_way_of_their_flow) {
  input(text4({.dst = far, .fragment = 0x2010}));
  EXPECT_EQ(in.passing.size(), 1u) << "whose flow is not known yet";
  buf::Packet known = test::received(test::frame(text4({.dst = far, .fragment = 0x2010})));
  known.flow_ports(7 << 16 | 9);
  input(std::move(known));
  EXPECT_EQ(in.transit.size(), 1u) << "another worker found it out";
  options.follow_fragments = false;
  input(text4({.dst = far, .fragment = 0x2010}));
  EXPECT_EQ(in.transit.size(), 2u) << "nobody asked for it";
  EXPECT_EQ(count[Counter::ip_local], 0u);
}

TEST_F(IpInput, fragments_for_us_wait_for_their_siblings) {
  for (const uint16_t fragment : {0x2000, 0x2010, 0x0010}) input(text4({.fragment = fragment}));
  EXPECT_EQ(in.fragments.size(), 3u);
  EXPECT_EQ(count[Counter::ip_local], 3u);
}

TEST_F(IpInput, a_source_must_have_a_route_where_the_port_asks_for_one) {
  struct Case {
    const char* claim;
    buf::ReversePath mode;
    Ip4Addr src;
    bool passes;
  };
  using enum buf::ReversePath;
  const Ip4Addr behind_us = Ip4Addr::of(198, 18, 0, 9), behind_wan = Ip4Addr::of(203, 0, 113, 7),
                nowhere = Ip4Addr::of(8, 8, 8, 8), blackholed = Ip4Addr::of(192, 0, 2, 1);
  const Case cases[] = {
      {"off: anybody", Off, nowhere, true},
      {"loose: from the port's own network", Loose, behind_us, true},
      {"loose: by another port", Loose, behind_wan, true},
      {"loose: no route", Loose, nowhere, false},
      {"loose: a route that refuses", Loose, blackholed, false},
      {"strict: from the port's own network", Strict, behind_us, true},
      {"strict: by another port", Strict, behind_wan, false},
      {"strict: no route", Strict, nowhere, false},
  };
  for (const Case& c : cases) {
    ports[0].reverse_path = c.mode;
    rebuild();
    const uint64_t before = count[Counter::ip_reverse_path];
    input(test::udp4({.src = c.src, .dst = far}, 1, 2, ""));
    input(test::udp4({.src = c.src}, 1, 2, ""));
    EXPECT_EQ(in.transit.size(), c.passes ? 1u : 0u) << c.claim;
    EXPECT_EQ(in.udp.size(), c.passes ? 1u : 0u) << c.claim << ", for us";
    EXPECT_EQ(count[Counter::ip_reverse_path], before + (c.passes ? 0 : 2)) << c.claim;
    in = {};
  }
}

}  // namespace
}  // namespace sluice::ip
