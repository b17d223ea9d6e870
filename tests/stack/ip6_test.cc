// SPDX-License-Identifier: Apache-2.0
// Whole journeys over IPv6: echo, services, errors, forwarding.
#include "ip6.h"

namespace sluice::test {
namespace {

// -- echo, services, errors

TEST_F(Stack6, a_ping_is_answered) {
  start();
  gets(frame6(echo6({.traffic_class = 0x48})));
  const Octets f = one();
  EXPECT_EQ(ip6_of(f).src(), us6);
  EXPECT_EQ(ip6_of(f).dst(), peer6);
  EXPECT_EQ(ip6_of(f).traffic_class(), 0x48);
  EXPECT_EQ(as_text(upper(f).subspan(8)), "payload");
}

TEST_F(Stack6, a_ping_to_our_link_local_address_or_to_all_nodes_is_answered_on_the_link) {
  start();
  gets(solicitation(our_link, peer_link, peer_mac));
  sent();
  gets(frame6(echo6({.src = peer_link, .dst = our_link})));
  gets(advertisement(peer_link, peer_mac, true, true, our_link));
  Frames f = sent();
  ASSERT_EQ(count_of(f, Icmp6Type::EchoReply), 1u);
  gets(frame6(echo6({.src = peer_link, .dst = Ip6Addr::all_nodes()}), Mac::ip6_group(1)));
  const Octets reply = one();
  EXPECT_EQ(ip6_of(reply).src(), our_link);
  EXPECT_EQ(ip6_of(reply).dst(), peer_link);
}

TEST_F(Stack6, a_link_local_address_is_ours_on_its_own_link_only) {
  start();
  gets(frame6(echo6({.src = peer_link, .dst = our_link}), mac(2), far_mac), 1);
  quiet();
  EXPECT_EQ(counted(Counter::ip_link_local), 1u);
}

TEST_F(Stack6, a_dns_query_is_answered_from_the_zone) {
  start();
  gets(frame6(udp6({}, 4000, 53, query({"www", "example", "test"}))));
  const Octets f = one();
  const auto reply = *wire::Udp::parse(upper(f));
  EXPECT_EQ(reply.src().v, 53);
  EXPECT_EQ(reply.dst().v, 4000);
  EXPECT_EQ(load_be<uint16_t>(reply.payload().data() + 6), 1) << "one answer";
}

TEST_F(Stack6, a_datagram_without_a_checksum_is_refused) {
  start();
  Octets f = frame6(udp6({}, 4000, 53, query({"www", "example", "test"})));
  store_be<uint16_t>(f.data() + 14 + 40 + 6, 0);
  gets(f);
  quiet();
  EXPECT_EQ(counted(Counter::udp_no_checksum), 1u);
}

TEST_F(Stack6, a_connection_is_opened_and_a_page_served) {
  start();
  using namespace wire::tcp_flag;
  wire::Tcp::Value v{.src = {4000}, .dst = {80}, .seq = {1000}, .flags = syn, .window = {65535}};
  gets(frame6(tcp6({}, v)));
  const Octets syn_ack = one();
  const auto h = *wire::Tcp::parse(upper(syn_ack));
  EXPECT_EQ(h.flags(), syn | ack);
  EXPECT_EQ(h.ack(), SeqNum{1001});
  const auto options = *wire::TcpOptions::parse(h.options());
  EXPECT_EQ(options.mss, 1440) << "RFC 6691: 1500 less 60";
  v = {.src = {4000}, .dst = {80}, .seq = {1001}, .ack = h.seq() + 1, .flags = ack, .window = {65535}};
  gets(frame6(tcp6({}, v)));
  sent();
  v.flags = ack | psh;
  gets(frame6(tcp6({}, v, "GET / HTTP/1.1\r\nHost: www.example.test\r\nConnection: close\r\n\r\n")));
  std::string text;
  for (const Octets& f : sent()) text += as_text(wire::Tcp::parse(upper(f))->text());
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\n")) << text;
  EXPECT_TRUE(text.ends_with("\r\n\r\nhello\n")) << text;
}

TEST_F(Stack6, errors_say_what_was_wrong) {
  start();
  Octets f = frame6(udp6({}, 4000, 54, "anybody?"));
  gets(f);
  expect_error(Icmp6Type::Unreachable, 4, 0, f);

  f = frame6(ip6({.next = 99}, as_bytes("what is this")));
  gets(f);
  expect_error(Icmp6Type::ParameterProblem, 1, 6, f);

  f = frame6(ip6({.next = 60}, join({59, 0, 0x9e, 0, 0, 0, 0, 0}, {})));
  gets(f);
  expect_error(Icmp6Type::ParameterProblem, 2, 42, f);

  f = frame6(udp6({.dst = far6, .hops = 1}, 7, 7, "through"));
  gets(f);
  expect_error(Icmp6Type::TimeExceeded, 0, 0, f);

  f = frame6(udp6({.dst = Ip6Addr::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)}, 7, 7, "nowhere"));
  gets(f);
  expect_error(Icmp6Type::Unreachable, 0, 0, f);
}

TEST_F(Stack6, no_error_answers_an_error_or_a_group_or_nobody) {
  start();
  const Octets inner = udp6({.src = us6, .dst = peer6}, 1, 2, "x");
  gets(frame6(
      icmp6({.dst = Ip6Addr::of(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)}, join({1, 4, 0, 0, 0, 0, 0, 0}, inner))));
  quiet();
  EXPECT_EQ(counted(Counter::icmp_error_forbidden), 1u);
  gets(frame6(ip6({.dst = Ip6Addr::all_nodes(), .next = 99}, {}), Mac::ip6_group(1)));
  quiet();
  EXPECT_EQ(counted(Counter::icmp_error_forbidden), 2u);
  // RFC 8200 §4.2: action 10 is told even of a group.
  const Octets f = frame6(ip6({.dst = Ip6Addr::all_nodes(), .next = 60}, Octets{59, 0, 0x9e, 0, 0, 0, 0, 0}),
                          Mac::ip6_group(1));
  gets(f);
  expect_error(Icmp6Type::ParameterProblem, 2, 42, f);
}

// -- forwarding

TEST_F(Stack6, a_packet_crosses_from_port_to_port_and_loses_a_hop) {
  start();
  gets(frame6(udp6({.dst = far6, .hops = 9}, 7, 7, "through")));
  const Octets f = one(1);
  EXPECT_EQ(wire::Ethernet::parse(f)->dst(), far_mac);
  EXPECT_EQ(wire::Ethernet::parse(f)->src(), mac(2));
  EXPECT_EQ(Octets(f.begin() + 14, f.end()), udp6({.dst = far6, .hops = 8}, 7, 7, "through"));
}

TEST_F(Stack6, a_packet_too_big_for_the_way_out_is_refused_with_the_mtu) {
  WorkerPlan p = quick();
  p.interfaces[1].caps.mtu = 1280;
  start(std::move(p));
  const Octets f = frame6(udp6({.dst = far6}, 7, 7, std::string(1400, 'x')));
  gets(f);
  expect_error(Icmp6Type::PacketTooBig, 0, 1280, f);
}

TEST_F(Stack6, what_no_host_may_send_dies_counted) {
  start();
  struct Case {
    const char* claim;
    Ip6Spec spec;
    Counter why;
  };
  const Case cases[] = {
      {"from a group", {.src = Ip6Addr::all_nodes()}, Counter::ip_martian_source},
      {"from loopback", {.src = Ip6Addr::of(0, 0, 0, 0, 0, 0, 0, 1)}, Counter::ip_martian_source},
      {"from an IPv4 address in disguise", {.src = IpAddr{peer}.v6()}, Counter::ip_martian_source},
      {"from ourselves", {.src = us6}, Counter::ip_spoofed},
      {"from a group through us", {.src = Ip6Addr::all_nodes(), .dst = far6}, Counter::ip_martian_source},
      {"from loopback through us",
       {.src = Ip6Addr::of(0, 0, 0, 0, 0, 0, 0, 1), .dst = far6},
       Counter::ip_martian_source},
      {"from IPv4 in disguise through us",
       {.src = IpAddr{peer}.v6(), .dst = far6},
       Counter::ip_martian_source},
      {"from nobody through us", {.src = Ip6Addr{}, .dst = far6}, Counter::ip_martian_source},
      {"from ourselves through us", {.src = us6, .dst = far6}, Counter::ip_spoofed},
      {"to nobody", {.dst = Ip6Addr{}}, Counter::ip_martian_destination},
      {"to IPv4 in disguise", {.dst = IpAddr{peer}.v6()}, Counter::ip_martian_destination},
      {"to a link-local address that is none of ours", {.dst = peer_link}, Counter::ip_link_local},
      {"to loopback", {.dst = Ip6Addr::of(0, 0, 0, 0, 0, 0, 0, 1)}, Counter::ip_martian_destination},
      {"from a link-local address to be forwarded", {.src = peer_link, .dst = far6}, Counter::ip_link_local},
      {"with a zone on the wire", {.src = peer_link.zoned(3), .dst = our_link}, Counter::ip_martian_source},
      {"a group of interface scope",
       {.dst = Ip6Addr::of(0xff01, 0, 0, 0, 0, 0, 0, 1)},
       Counter::ip_multicast},
  };
  for (const Case& c : cases) {
    const uint64_t before = counted(c.why);
    const Mac to = c.spec.dst.is_multicast() ? Mac::ip6_group(1) : our_mac;
    gets(frame6(udp6(c.spec, 7, 53, "x"), to));
    EXPECT_EQ(counted(c.why), before + 1) << c.claim;
    quiet();
  }
}

TEST_F(Stack6, a_frame_to_a_group_carries_nobody_elses_packet_on) {
  start();
  gets(frame6(udp6({.dst = far6}, 7, 7, "x"), Mac::ip6_group(1)));
  EXPECT_EQ(counted(Counter::ip_link_broadcast), 1u);
  quiet();
}

TEST_F(Stack6, padding_of_a_frame_does_not_pass) {
  start();
  const Octets packet = udp6({.dst = far6, .hops = 9}, 7, 7, "x");
  gets(frame6(join(packet, Octets(10, 0xaa))));
  const Octets f = one(1);
  EXPECT_EQ(Octets(f.begin() + 14, f.end()), udp6({.dst = far6, .hops = 8}, 7, 7, "x"));
}

TEST_F(Stack6, a_packet_with_its_last_hop_behind_it_is_refused_and_one_hop_more_passes) {
  start();
  for (const uint8_t hops : {0, 1}) {
    const Octets f = frame6(udp6({.dst = far6, .hops = hops}, 7, 7, "x"));
    gets(f);
    expect_error(Icmp6Type::TimeExceeded, 0, 0, f);
  }
  gets(frame6(udp6({.dst = far6, .hops = 2}, 7, 7, "x")));
  EXPECT_EQ(Ip6::parse(Bytes{one(1)}.subspan(14))->hop_limit(), 1);
}

}  // namespace
}  // namespace sluice::test
