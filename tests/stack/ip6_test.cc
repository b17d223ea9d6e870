// SPDX-License-Identifier: Apache-2.0
// Whole journeys over IPv6: addresses proved free, neighbours, echo, services, forwarding, routers and hosts.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "journey.h"
#include "wire/icmp6.h"
#include "wire/ip6_ext.h"
#include "wire/mld.h"
#include "wire/nd.h"

namespace sluice::test {
namespace {

using wire::Icmp6;
using wire::Icmp6Type;
using wire::Ip6;

constexpr Ip6Addr us6 = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 1);   // on port 0, 2001:2:0:1::/64
constexpr Ip6Addr wan6 = Ip6Addr::of(0x2001, 2, 0, 2, 0, 0, 0, 1);  // on port 1, 2001:2:0:2::/64
constexpr Ip6Addr peer6 = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 9);
constexpr Ip6Addr far6 = Ip6Addr::of(0x2001, 2, 0, 2, 0, 0, 0, 7);
constexpr Ip6Addr our_link = Ip6Addr::of(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 1);  // of our_mac
constexpr Ip6Addr peer_link = Ip6Addr::of(0xfe80, 0, 0, 0, 0, 0, 0, 9);

struct Ip6Spec {
  Ip6Addr src = peer6, dst = us6;
  uint8_t next = 17, hops = 64, traffic_class = 0;
};
Octets ip6(const Ip6Spec& s, Bytes payload) {
  Octets b(Ip6::header_len);
  Ip6::emit(b.data(), {.traffic_class = s.traffic_class,
                       .payload_length = static_cast<uint16_t>(payload.size()),
                       .next_header = s.next,
                       .hop_limit = s.hops,
                       .src = s.src,
                       .dst = s.dst});
  return join(std::move(b), payload);
}
Octets frame6(Bytes packet, Mac dst = our_mac, Mac src = peer_mac) {
  return frame(packet, wire::EtherType::Ip6, dst, src);
}
Octets icmp6(Ip6Spec s, Octets message) {
  s.next = 58;
  store_be<uint16_t>(message.data() + 2, 0);
  Icmp6::seal(message, s.src, s.dst);
  return ip6(s, message);
}
Octets echo6(Ip6Spec s, std::string_view text = "payload") {
  return icmp6(s, join({128, 0, 0, 0, 0, 7, 0, 1}, as_bytes(text)));
}
Octets udp6(Ip6Spec s, uint16_t sport, uint16_t dport, std::string_view text) {
  Octets b(8);
  wire::Udp::emit(b.data(), {sport}, {dport}, static_cast<uint16_t>(8 + text.size()));
  b = join(std::move(b), as_bytes(text));
  store_be<uint16_t>(
      b.data() + 6, wire::pseudo_header(s.src, s.dst, 17, static_cast<uint32_t>(b.size())).add(b).checksum());
  return ip6(s, b);
}
Octets tcp6(Ip6Spec s, const wire::Tcp::Value& v, std::string_view text = {}) {
  Octets b(wire::Tcp::header_len);
  wire::Tcp::emit(b.data(), v);
  b = join(std::move(b), as_bytes(text));
  store_be<uint16_t>(b.data() + wire::Tcp::checksum_at,
                     wire::pseudo_header(s.src, s.dst, 6, static_cast<uint32_t>(b.size())).add(b).checksum());
  s.next = 6;
  return ip6(s, b);
}
// Neighbour Discovery frames from a station `who` with MAC `m`.
Octets solicitation(const Ip6Addr& target, const Ip6Addr& who, std::optional<Mac> m,
                    std::optional<uint64_t> nonce = {}, uint8_t hops = 255) {
  const wire::NeighbourSolicitationValue v{.target = target, .source = m, .nonce = nonce};
  Octets b(v.size());
  wire::emit(b.data(), v);
  const Ip6Addr group = target.solicited_node();
  return frame6(icmp6({.src = who, .dst = group, .hops = hops}, b), link::Mld::mac_of(group),
                m.value_or(mac(0x55)));
}
Octets advertisement(const Ip6Addr& target, Mac m, bool solicited, bool override_, Ip6Addr dst = us6) {
  const wire::NeighbourAdvertisementValue v{
      .solicited = solicited, .override_ = override_, .target = target, .mac = m};
  Octets b(v.size());
  wire::emit(b.data(), v);
  const Mac to = dst.is_multicast() ? link::Mld::mac_of(dst) : our_mac;
  return frame6(icmp6({.src = target, .dst = dst, .hops = 255}, b), to, m);
}

Ip6 ip6_of(const Octets& f) {
  const auto ip = Ip6::parse(Bytes{f}.subspan(14));
  check(static_cast<bool>(ip), "an IPv6 frame");
  return *ip;
}
Bytes upper(const Octets& f) {
  wire::Ip6Chain chain;
  check(!wire::walk_extensions(ip6_of(f).whole(), {}, chain), "headers that can be walked");
  return ip6_of(f).whole().subspan(chain.upper_at);
}
bool is_icmp6(const Octets& f, Icmp6Type type) {
  return wire::Ethernet::parse(f)->type() == wire::EtherType::Ip6 && !upper(f).empty() &&
         upper(f)[0] == static_cast<uint8_t>(type);
}
size_t count_of(const Frames& frames, Icmp6Type type) {
  return static_cast<size_t>(
      std::ranges::count_if(frames, [&](const Octets& f) { return is_icmp6(f, type); }));
}

class Stack6 : public PacketTest {
 protected:
  static std::vector<buf::Interface> ports() {
    auto p = two_ports();
    p[0].addresses.push_back({us6, 64});
    p[1].addresses.push_back({wan6, 64});
    p[0].ip6 = p[1].ip6 = true;
    return p;
  }
  static WorkerPlan quick() {
    WorkerPlan p{ports()};
    p.nd.dad_wait = 0_s;
    return p;
  }
  void make(WorkerPlan p) { worker.emplace(std::move(p)); }
  // Addresses are proved, everything the start says is over, and two neighbours have met us.
  void start(WorkerPlan p = quick()) {
    make(std::move(p));
    worker->run(now, 5_s);
    gets(solicitation(us6, peer6, peer_mac));
    gets(solicitation(wan6, far6, far_mac), 1);
    // What we were told unasked we prove when we first use it.
    gets(frame6(echo6({})));
    gets(advertisement(peer6, peer_mac, true, true));
    gets(frame6(echo6({.src = far6, .dst = wan6}), mac(2), far_mac), 1);
    gets(advertisement(far6, far_mac, true, true, wan6), 1);
    sent(0), sent(1);
  }
  void TearDown() override {
    worker->run(now, 2000_s);
    EXPECT_EQ(worker->connections(), 0u);
    EXPECT_EQ(packet_pool().packets_free(), packets_) << "packets are held";
    EXPECT_EQ(packet_pool().headers_free(), headers_) << "packet headers are held";
  }
  void gets(Octets f, size_t port = 0) {
    if (wire::Ethernet::parse(f)->dst() == our_mac && port == 1) mac(2).store(f.data());
    worker->port(port).arrive(std::move(f));
    worker->turn(now);
  }
  Frames sent(size_t port = 0) { return worker->sent(port); }
  Octets one(size_t port = 0) {
    const Frames here = sent(port), elsewhere = sent(1 - port);
    EXPECT_EQ(here.size(), 1u);
    EXPECT_EQ(elsewhere.size(), 0u);
    return here.empty() ? frame6(ip6({}, {})) : here[0];
  }
  void quiet() {
    EXPECT_EQ(sent(0).size(), 0u);
    EXPECT_EQ(sent(1).size(), 0u);
  }
  // The one frame is this error about that packet, to its sender.
  void expect_error(Icmp6Type type, uint8_t code, uint32_t word, const Octets& about, Ip6Addr from = us6) {
    const Octets f = one();
    EXPECT_EQ(ip6_of(f).src(), from);
    EXPECT_EQ(ip6_of(f).dst(), peer6);
    const auto error = *Icmp6::parse_unchecked(upper(f));
    EXPECT_EQ(static_cast<int>(error.type()), static_cast<int>(type));
    EXPECT_EQ(error.code(), code);
    EXPECT_EQ(error.pointer(), word);
    EXPECT_LE(ip6_of(f).total_length(), 1280u);
    EXPECT_EQ(copy(error.body()), copy(Bytes{about}.subspan(14, error.body().size())));
  }
  uint64_t counted(Counter c) const { return worker->count[c]; }

  const uint32_t packets_ = packet_pool().packets_free(), headers_ = packet_pool().headers_free();
  Instant now{1'000'000'000};
  std::optional<VirtualWorker> worker;
};

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
