// SPDX-License-Identifier: Apache-2.0
// Two VRFs with the same addresses: each answers, forwards, refuses and connects for its own ports, and
// nothing of the one is seen in the other.
#include <gtest/gtest.h>

#include "journey.h"
#include "stack.h"

namespace sluice::test {
namespace {

using namespace wire::tcp_flag;

// The same two networks, met by neighbours with the same addresses.
struct Side {
  const char* name;
  uint16_t vrf;
  uint16_t lan, wan;  // ports
  Mac our_lan, our_wan, peer, far;
};
constexpr Side sides[] = {{"default", 0, 0, 1, our_mac, mac(2), peer_mac, far_mac},
                          {"blue", 1, 2, 3, mac(3), mac(4), mac(0xa9), mac(0xa7)}};
constexpr Ip4Addr only_default = Ip4Addr::of(203, 0, 113, 1);  // an address of ours in one VRF alone
constexpr Ip4Addr behind = Ip4Addr::of(203, 0, 113, 7);        // and a station of its network

std::vector<buf::Interface> four_ports() {
  std::vector<buf::Interface> ports = two_ports();
  for (const Side& s : sides) {
    ports.resize(std::max<size_t>(ports.size(), s.wan + 1u));
    ports[s.lan] = {.caps = {.mac = s.our_lan}, .addresses = {{us, 24}}, .vrf = s.vrf};
    ports[s.wan] = {.caps = {.mac = s.our_wan}, .addresses = {{us_wan, 24}}, .vrf = s.vrf};
  }
  ports[sides[0].wan].addresses.push_back({only_default, 24});
  return ports;
}

class TwoVrfs : public PacketTest {
 protected:
  explicit TwoVrfs(std::vector<uint16_t> listens_in = {0, 1}) {
    WorkerPlan plan{four_ports()};
    plan.listens_in = std::move(listens_in);
    worker.emplace(std::move(plan));
    worker->run(now, 5_s);
    for (const Side& s : sides) {
      worker->port(s.lan).arrive(arp_from(s.peer, peer, us));
      worker->port(s.wan).arrive(arp_from(s.far, far, us_wan));
    }
    worker->turn(now);
    for (size_t i = 0; i < 4; ++i) worker->sent(i);
  }
  void TearDown() override {
    worker->run(now, 1000_s);
    EXPECT_EQ(worker->connections(), 0u);
  }
  void gets(const Octets& datagram, const Side& s) {
    worker->port(s.lan).arrive(frame(datagram, wire::EtherType::Ip4, s.our_lan, s.peer));
    worker->turn(now);
  }
  // What left by this port, and by none of the others.
  Frames only(size_t port) {
    Frames here;
    for (size_t i = 0; i < 4; ++i) {
      Frames sent = worker->sent(i);
      if (i == port)
        here = std::move(sent);
      else
        EXPECT_EQ(sent.size(), 0u) << "by port " << i << " instead of " << port;
    }
    return here;
  }
  void expect_error(const Side& s, uint8_t type, uint8_t code) {
    const Frames out = only(s.lan);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(wire::Ethernet::parse(out[0])->dst(), s.peer);
    EXPECT_EQ(wire::Ethernet::parse(out[0])->src(), s.our_lan);
    EXPECT_EQ(ip_of(out[0]).src(), us);
    const auto error = *wire::Icmp4::parse(ip_of(out[0]).payload());
    EXPECT_EQ(static_cast<uint8_t>(error.type()), type);
    EXPECT_EQ(error.code(), code);
  }

  Instant now{1'000'000'000};
  std::optional<VirtualWorker> worker;
};

TEST_F(TwoVrfs, a_ping_is_answered_in_the_vrf_it_came_by) {
  for (const Side& s : sides) {
    SCOPED_TRACE(s.name);
    gets(ip4({.proto = IpProto::Icmp}, icmp(8, 0, 7, as_bytes("payload"))), s);
    const Frames out = only(s.lan);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(wire::Ethernet::parse(out[0])->dst(), s.peer);
    EXPECT_EQ(wire::Ethernet::parse(out[0])->src(), s.our_lan);
    EXPECT_EQ(ip_of(out[0]).src(), us);
  }
}

TEST_F(TwoVrfs, a_datagram_is_forwarded_among_the_ports_of_its_vrf) {
  for (const Side& s : sides) {
    SCOPED_TRACE(s.name);
    gets(udp4({.dst = far, .ttl = 9}, 7, 7, "through"), s);
    const Frames out = only(s.wan);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(wire::Ethernet::parse(out[0])->dst(), s.far);
    EXPECT_EQ(wire::Ethernet::parse(out[0])->src(), s.our_wan);
    EXPECT_EQ(ip_of(out[0]).ttl(), 8);
  }
}

TEST_F(TwoVrfs, errors_go_back_where_the_datagram_came_from) {
  struct Case {
    const char* claim;
    Octets datagram;
    uint8_t type, code;
  };
  const Case cases[] = {
      {"the last hop", udp4({.dst = far, .ttl = 1}, 7, 7, "through"), 11, 0},
      {"no route", udp4({.dst = Ip4Addr::of(192, 0, 2, 1)}, 7, 7, "through"), 3, 0},
      {"nobody listens", udp4({}, 4000, 54, "anybody?"), 3, 3},
      {"an unknown protocol", ip4({.proto = static_cast<IpProto>(99)}, as_bytes("what is this")), 3, 2}};
  for (const Side& s : sides)
    for (const Case& c : cases) {
      SCOPED_TRACE(std::string{s.name} + ": " + c.claim);
      gets(c.datagram, s);
      expect_error(s, c.type, c.code);
    }
}

TEST_F(TwoVrfs, a_silent_next_hop_is_told_in_its_vrf) {
  for (const Side& s : sides) {
    SCOPED_TRACE(s.name);
    gets(udp4({.dst = silent}, 7, 7, "anybody?"), s);
    for (const Octets& f : only(s.wan)) EXPECT_TRUE(is_arp(f));
    worker->run(now, 2999_ms);
    for (const Octets& f : only(s.wan)) EXPECT_TRUE(is_arp(f));
    worker->run(now, 1_ms);
    expect_error(s, 3, 1);
  }
}

TEST_F(TwoVrfs, an_address_and_a_network_of_one_are_nobodys_in_the_other) {
  gets(ip4({.dst = only_default, .proto = IpProto::Icmp}, icmp(8, 0, 1, {})), sides[0]);
  const Frames out = only(sides[0].lan);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(ip_of(out[0]).src(), only_default);
  gets(ip4({.dst = only_default, .proto = IpProto::Icmp}, icmp(8, 0, 1, {})), sides[1]);
  expect_error(sides[1], 3, 0);
  gets(udp4({.dst = behind}, 7, 7, "through"), sides[1]);
  expect_error(sides[1], 3, 0);
  // What is ours in the other VRF is no spoofed source here.
  gets(ip4({.src = only_default, .dst = us, .proto = IpProto::Icmp}, icmp(8, 0, 1, {})), sides[1]);
  EXPECT_EQ(worker->count[Counter::ip_spoofed], 0u);
  EXPECT_EQ(worker->count[Counter::icmp_echo], 2u);
  EXPECT_EQ(only(sides[1].lan).size(), 0u) << "without a route there is no answer";
}

TEST_F(TwoVrfs, fragments_of_one_never_complete_a_datagram_of_the_other) {
  const Octets whole = icmp(8, 0, 7, Octets(64, 0x5a));
  const Bytes all{whole};
  constexpr uint16_t more = 0x2000;
  const Octets first = ip4({.proto = IpProto::Icmp, .fragment = more}, all.first(32)),
               last = ip4({.proto = IpProto::Icmp, .fragment = 4}, all.subspan(32));
  gets(first, sides[0]);
  gets(last, sides[1]);
  EXPECT_EQ(worker->count[Counter::ip_reassembled], 0u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(worker->sent(i).size(), 0u);
  gets(first, sides[1]);
  EXPECT_EQ(only(sides[1].lan).size(), 1u);
  gets(last, sides[0]);
  EXPECT_EQ(only(sides[0].lan).size(), 1u);
  EXPECT_EQ(worker->count[Counter::ip_reassembled], 2u);
  // And when time is over, each sender is told in its own.
  gets(first, sides[1]);
  worker->run(now, 31_s);
  expect_error(sides[1], 11, 1);
}

TEST_F(TwoVrfs, fragments_in_transit_follow_the_first_of_their_own_vrf) {
  const Octets datagram = udp(peer, far, 4000, 7, std::string(64, 'x'));
  const Bytes all{datagram};
  const Octets first = ip4({.dst = far, .fragment = 0x2000}, all.first(32)),
               last = ip4({.dst = far, .fragment = 4}, all.subspan(32));
  gets(last, sides[1]);
  gets(first, sides[0]);
  EXPECT_EQ(only(sides[0].wan).size(), 1u) << "the other's waits for its own";
  gets(first, sides[1]);
  EXPECT_EQ(only(sides[1].wan).size(), 2u);
  gets(last, sides[0]);
  EXPECT_EQ(only(sides[0].wan).size(), 1u);
}

TEST_F(TwoVrfs, a_dns_query_is_answered_in_each) {
  for (const Side& s : sides) {
    SCOPED_TRACE(s.name);
    gets(udp4({}, 4000, 53, query({"www", "example", "test"})), s);
    const Frames out = only(s.lan);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(wire::Ethernet::parse(out[0])->dst(), s.peer);
    EXPECT_EQ(wire::Udp::parse(ip_of(out[0]).payload())->src().v, 53);
  }
}

// One side of a connection, by its own sequence numbers.
class Talk {
 public:
  Talk(VirtualWorker& w, Instant& now, const Side& s, uint32_t first)
      : worker_{w}, now_{now}, side_{s}, next_{first} {}

  void says(std::string_view text, uint8_t flags = ack) {
    send(text, flags);
    for (bool heard = true; heard;) {
      worker_.turn(now_);
      heard = false;
      for (const Octets& f : worker_.sent(side_.lan))
        if (!is_arp(f) && hear(f)) heard = true, send({}, ack);
    }
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(worker_.sent(i).size(), 0u) << "nothing by port " << i;
  }
  std::string got;
  bool opened = false, closed = false, reset = false;

 private:
  void send(std::string_view text, uint8_t flags) {
    const Octets f =
        tcp4({.src = {4000}, .dst = {80}, .seq = next_, .ack = expected_, .flags = flags, .window = {65535}},
             text);
    worker_.port(side_.lan).arrive(
        frame(Bytes{f}.subspan(14), wire::EtherType::Ip4, side_.our_lan, side_.peer));
    next_ = next_ + static_cast<uint32_t>(text.size()) + ((flags & (syn | fin)) != 0);
  }
  bool hear(const Octets& f) {
    EXPECT_EQ(wire::Ethernet::parse(f)->dst(), side_.peer);
    const auto s = *wire::Tcp::parse(ip_of(f).payload());
    reset |= (s.flags() & rst) != 0;
    if (s.flags() & syn) opened = true, expected_ = s.seq();
    EXPECT_EQ(s.seq().v, expected_.v);
    got += as_text(s.text());
    closed |= (s.flags() & fin) != 0;
    const uint32_t length = static_cast<uint32_t>(s.text().size()) + ((s.flags() & (syn | fin)) != 0);
    expected_ = s.seq() + length;
    return length != 0;
  }

  VirtualWorker& worker_;
  Instant& now_;
  const Side& side_;
  SeqNum next_, expected_{0};
};

TEST_F(TwoVrfs, connections_with_the_same_addresses_and_ports_do_not_mix) {
  Talk one{*worker, now, sides[0], 1'000}, two{*worker, now, sides[1], 900'000'000};
  one.says({}, syn);
  two.says({}, syn);
  ASSERT_TRUE(one.opened && two.opened);
  one.says("GET /big HTTP/1.1\r\nHost: www.exa");
  two.says("GET / HTTP/1.1\r\nHost: www.exa");
  EXPECT_EQ(worker->connections(), 2u);
  two.says("mple.test\r\n\r\n");
  EXPECT_TRUE(two.got.ends_with("\r\n\r\nhello\n"));
  EXPECT_EQ(one.got, "");
  one.says("mple.test\r\n\r\n");
  EXPECT_TRUE(one.got.ends_with("\r\n\r\n" + big_page()));
  // A reset of the one leaves the other alone.
  one.says({}, rst);
  EXPECT_EQ(worker->connections(), 1u);
  two.says("GET / HTTP/1.1\r\nHost: www.example.test\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(two.closed && !two.reset);
  two.says({}, fin | ack);
  EXPECT_EQ(worker->connections(), 0u);
}

// An ICMP error counts only for the connection of the VRF that it came by.
TEST_F(TwoVrfs, an_error_about_the_others_handshake_is_strange) {
  const Octets opening = tcp4({.src = {4000}, .dst = {80}, .seq = {5}, .flags = syn});
  gets(copy(Bytes{opening}.subspan(14)), sides[0]);
  const Frames out = only(sides[0].lan);
  ASSERT_EQ(out.size(), 1u);
  Octets quote(8);
  store_be<uint16_t>(quote.data(), 80);
  store_be<uint16_t>(quote.data() + 2, 4000);
  store_be<uint32_t>(quote.data() + 4, wire::Tcp::parse(ip_of(out[0]).payload())->seq().v);
  const Octets error = icmp(3, 3, 0, ip4({.src = us, .dst = peer, .proto = IpProto::Tcp}, quote));
  gets(ip4({.proto = IpProto::Icmp}, error), sides[1]);
  EXPECT_EQ(worker->count[Counter::tcp_icmp_strange], 1u);
  EXPECT_EQ(worker->count[Counter::tcp_icmp_ended], 0u);
  gets(ip4({.proto = IpProto::Icmp}, error), sides[0]);
  EXPECT_EQ(worker->count[Counter::tcp_icmp_ended], 1u);
}

class ListensInDefault : public TwoVrfs {
 protected:
  ListensInDefault() : TwoVrfs({0}) {}
};

TEST_F(ListensInDefault, who_listens_in_one_vrf_does_not_in_another) {
  gets(udp4({}, 4000, 53, query({"www", "example", "test"})), sides[0]);
  EXPECT_EQ(wire::Udp::parse(ip_of(only(sides[0].lan).at(0)).payload())->src().v, 53);
  gets(udp4({}, 4000, 53, query({"www", "example", "test"})), sides[1]);
  expect_error(sides[1], 3, 3);
  const Octets f = tcp4({.src = {4000}, .dst = {80}, .seq = {5}, .flags = syn});
  gets(copy(Bytes{f}.subspan(14)), sides[1]);
  const Frames out = only(sides[1].lan);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(wire::Tcp::parse(ip_of(out[0]).payload())->flags(), rst | ack);
}

// A source whose only route is another VRF's has none here.
TEST(VrfReversePath, looks_for_the_source_in_the_packets_vrf) {
  start_eal();
  for (const auto mode : {buf::ReversePath::Loose, buf::ReversePath::Strict}) {
    WorkerPlan plan{four_ports()};
    for (buf::Interface& i : plan.interfaces) i.reverse_path = mode;
    VirtualWorker worker{std::move(plan)};
    Instant now{1'000'000'000};
    worker.run(now, 5_s);
    const auto from_wan = [&](const Side& s, Ip4Addr src) {
      worker.port(s.wan).arrive(
          frame(udp4({.src = src, .dst = peer}, 7, 7, "x"), wire::EtherType::Ip4, s.our_wan, s.far));
      worker.turn(now);
    };
    from_wan(sides[0], behind);
    from_wan(sides[1], far);
    EXPECT_EQ(worker.count[Counter::ip_reverse_path], 0u);
    from_wan(sides[1], behind);
    EXPECT_EQ(worker.count[Counter::ip_reverse_path], 1u);
  }
}

// A VRF that comes while we run, with a port that was nobody's.
TEST(VrfChange, comes_and_serves_and_leaves_the_others_alone) {
  start_eal();
  auto ports = four_ports();
  for (const uint16_t port : {sides[1].lan, sides[1].wan}) ports[port].addresses.clear(), ports[port].vrf = 0;
  VirtualWorker worker{WorkerPlan{ports}};
  Instant now{1'000'000'000};
  worker.run(now, 5_s);
  const auto ping = [&](const Side& s) {
    for (size_t i = 0; i < 4; ++i) worker.sent(i);
    worker.port(s.lan).arrive(arp_from(s.peer, peer, us));
    worker.port(s.lan).arrive(
        frame(ip4({.proto = IpProto::Icmp}, icmp(8, 0, 1, {})), wire::EtherType::Ip4, s.our_lan, s.peer));
    worker.turn(now);
    size_t answers = 0;
    for (const Octets& f : worker.sent(s.lan)) answers += !is_arp(f);
    return answers;
  };
  EXPECT_EQ(ping(sides[0]), 1u);
  EXPECT_EQ(ping(sides[1]), 0u);
  StackChange change{.interfaces = four_ports(), .dns = serve::DnsService{{example_zones()}}};
  for (size_t i = 0; i < 4; ++i) change.wiring.ports.push_back(&worker.port(i));
  std::string wrong;
  change.vrfs.push_back(ip::Routes::build(buf::of_vrf(change.interfaces, 1), {}, worker.plan.ip, wrong));
  ASSERT_TRUE(change.vrfs[0]) << wrong;
  worker.stack().change(change, now);
  worker.run(now, 5_s);
  EXPECT_EQ(ping(sides[0]), 1u);
  EXPECT_EQ(ping(sides[1]), 1u);
}

}  // namespace
}  // namespace sluice::test
