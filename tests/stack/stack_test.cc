// SPDX-License-Identifier: Apache-2.0
// Whole journeys: a frame in at a port, frames out, and every packet back where it came from.
#include "stack.h"

#include "journey.h"
#include "tcp/route_hints.h"

namespace sluice::test {
namespace {

using namespace wire::tcp_flag;

TEST_F(WholeStack, an_arp_request_for_our_address_is_answered_to_whoever_asked) {
  gets(arp_from(mac(0x55), Ip4Addr::of(198, 18, 0, 5), us));
  const Octets f = one();
  EXPECT_EQ(wire::Ethernet::parse(f)->dst(), mac(0x55));
  const wire::Arp::Value want{wire::ArpOp::Reply, our_mac, us, mac(0x55), Ip4Addr::of(198, 18, 0, 5)};
  EXPECT_EQ(wire::Arp::parse(Bytes{f}.subspan(14))->value(), want);
}

TEST_F(WholeStack, a_ping_is_answered) {
  gets(frame(ip4({.proto = IpProto::Icmp}, icmp(8, 0, 0x00070001, as_bytes("payload")))));
  const Octets f = one();
  EXPECT_EQ(wire::Ethernet::parse(f)->dst(), peer_mac);
  EXPECT_EQ(ip_of(f).src(), us);
  EXPECT_EQ(ip_of(f).dst(), peer);
  EXPECT_EQ(copy(ip_of(f).payload()), icmp(0, 0, 0x00070001, as_bytes("payload")));
}

TEST_F(WholeStack, a_ping_from_a_stranger_is_answered_after_asking_for_the_way_back) {
  const Ip4Addr stranger = Ip4Addr::of(198, 18, 0, 33);
  gets(frame(ip4({.src = stranger, .proto = IpProto::Icmp}, icmp(8, 0, 1, {}))));
  ASSERT_TRUE(is_arp(one()));
  gets(arp({wire::ArpOp::Reply, mac(0x33), stranger, our_mac, us}, our_mac));
  const Octets f = one();
  EXPECT_EQ(wire::Ethernet::parse(f)->dst(), mac(0x33));
  EXPECT_EQ(ip_of(f).dst(), stranger);
}

TEST_F(WholeStack, a_dns_query_is_answered_from_the_zone) {
  gets(frame(udp4({}, 4000, 53, query({"www", "example", "test"}))));
  const Octets f = one();
  const auto reply = *wire::Udp::parse(ip_of(f).payload());
  EXPECT_EQ(reply.src().v, 53);
  EXPECT_EQ(reply.dst().v, 4000);
  const Bytes m = reply.payload();
  ASSERT_GT(m.size(), 16u);
  EXPECT_EQ(load_be<uint16_t>(m.data()), 0xbeef);
  EXPECT_EQ(load_be<uint16_t>(m.data() + 2), 0x8500) << "a response, authoritative, no error, RD copied";
  EXPECT_EQ(load_be<uint16_t>(m.data() + 6), 1) << "one answer";
  EXPECT_EQ(Ip4Addr::load(m.data() + m.size() - 4), Ip4Addr::of(192, 0, 2, 80));
}

TEST_F(WholeStack, an_echo_over_udp_sends_the_same_octets_back_and_discard_nothing) {
  gets(frame(udp4({}, 4000, 7, "marco")));
  const Octets f = one();
  EXPECT_EQ(ip_of(f).dst(), peer);
  const auto reply = *wire::Udp::parse(ip_of(f).payload());
  EXPECT_EQ(reply.src().v, 7);
  EXPECT_EQ(reply.dst().v, 4000);
  EXPECT_EQ(copy(reply.payload()), copy(as_bytes("marco")));
  gets(frame(udp4({}, 4000, 9, "polo")));
  gets(frame(udp4({}, 7, 7, "another echo")));
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(counted(Counter::discard_datagrams), 1u);
  EXPECT_EQ(counted(Counter::echo_loop), 1u);
}

TEST_F(WholeStack, a_datagram_crosses_from_port_to_port_and_loses_a_hop) {
  const Octets datagram = udp4({.dst = far, .ttl = 9}, 7, 7, "through");
  gets(frame(datagram));
  const Octets f = one(1);
  const auto eth = *wire::Ethernet::parse(f);
  EXPECT_EQ(eth.dst(), far_mac);
  EXPECT_EQ(eth.src(), mac(2));
  EXPECT_EQ(Octets(f.begin() + 14, f.end()), udp4({.dst = far, .ttl = 8}, 7, 7, "through"));
}

TEST_F(WholeStack, the_last_hop_is_refused) {
  const Octets f = frame(udp4({.dst = far, .ttl = 1}, 7, 7, "through"));
  gets(f);
  expect_error(11, 0, f, us);
}

TEST_F(WholeStack, a_datagram_to_a_closed_port_is_refused) {
  const Octets f = frame(udp4({}, 4000, 54, "anybody?"));
  gets(f);
  expect_error(3, 3, f, us);
}

TEST_F(WholeStack, an_unknown_protocol_is_refused) {
  const Octets f = frame(ip4({.proto = static_cast<IpProto>(99)}, as_bytes("what is this")));
  gets(f);
  expect_error(3, 2, f, us);
}

TEST_F(WholeStack, a_segment_to_a_closed_port_is_reset) {
  gets(tcp4({.src = {4000}, .dst = {81}, .seq = {100}, .flags = syn}));
  const Octets f = one();
  const auto r = *wire::Tcp::parse(ip_of(f).payload());
  EXPECT_EQ(r.flags(), rst | ack);
  EXPECT_EQ(r.ack().v, 101u);
  EXPECT_EQ(r.dst().v, 4000);
}

TEST_F(WholeStack, a_silent_next_hop_is_asked_for_three_times_then_the_sender_is_told) {
  const Octets f = frame(udp4({.dst = silent}, 7, 7, "anybody?"));
  gets(f);
  ASSERT_TRUE(is_arp(one(1)));
  for (int again = 0; again < 2; ++again) {
    worker.run(now, 1_s);
    ASSERT_TRUE(is_arp(one(1)));
  }
  worker.run(now, 999_ms);
  EXPECT_TRUE(sent(0).empty());
  worker.run(now, 1_ms);
  expect_error(3, 1, f, us);
}

TEST_F(WholeStack, an_undeliverable_answer_of_ours_just_dies) {
  gets(frame(ip4({.src = Ip4Addr::of(198, 18, 0, 44), .proto = IpProto::Icmp}, icmp(8, 0, 1, {}))));
  worker.run(now, 10_s);
  for (const Octets& f : sent(0)) EXPECT_TRUE(is_arp(f));
  EXPECT_EQ(counted(Counter::arp_unresolved), 1u);
}

// Errors to strangers need room in the full table, which costs other neighbours their entries, and packets
// that waited for those their last hope.
TEST_F(WholeStack, what_becomes_undeliverable_while_errors_are_sent_goes_back_in_the_same_turn) {
  WorkerPlan p{two_ports()};
  p.link.neighbours = p.link.neighbours_per_port = 16;
  VirtualWorker small{std::move(p)};
  const auto from = [&](uint8_t sender, Ip4Addr to) {
    small.port(0).arrive(frame(udp4({.src = Ip4Addr::of(198, 18, 0, sender), .dst = to}, 7, 7, "anybody?")));
  };
  small.run(now, 5_s);
  from(101, silent), from(102, silent);
  small.run(now, 1500_ms);
  for (uint8_t i = 0; i < 15; ++i) from(103, Ip4Addr::of(198, 19, 0, static_cast<uint8_t>(100 + i)));
  small.run(now, 1499_ms);
  EXPECT_EQ(small.count[Counter::arp_unresolved], 0u);
  now = now + 1_ms;
  small.stack().poll(now);
  EXPECT_GT(small.count[Counter::neighbours_evicted], 1u);
  EXPECT_EQ(small.count[Counter::arp_unresolved], 2 + small.count[Counter::neighbours_evicted]);
}

// A client that acknowledges at once and keeps what it is told.
class Client {
 public:
  Client(VirtualWorker& w, Instant& now, uint16_t from) : worker_{w}, now_{now}, from_{from} {}

  void says(std::string_view text, uint8_t flags = ack) {
    send(text, flags);
    for (bool heard = true; heard;) {
      worker_.turn(now_);
      heard = false;
      for (const Octets& f : worker_.sent(0))
        if (!is_arp(f) && hear(*wire::Tcp::parse(ip_of(f).payload()))) heard = true, send({}, ack);
    }
  }

  std::string got;
  bool opened = false, closed = false, reset = false;

 private:
  void send(std::string_view text, uint8_t flags) {
    worker_.port(0).arrive(
        tcp4({.src = {from_}, .dst = {80}, .seq = next_, .ack = expected_, .flags = flags, .window = {65535}},
             text));
    next_ = next_ + static_cast<uint32_t>(text.size()) + ((flags & (syn | fin)) != 0);
  }
  // True when there is something to acknowledge.
  bool hear(const wire::Tcp& s) {
    EXPECT_EQ(s.dst().v, from_);
    reset |= (s.flags() & rst) != 0;
    if (s.flags() & syn) opened = true, expected_ = s.seq();
    EXPECT_EQ(s.seq().v, expected_.v) << "nothing is lost here, so nothing comes twice";
    got += as_text(s.text());
    closed |= (s.flags() & fin) != 0;
    const uint32_t length = static_cast<uint32_t>(s.text().size()) + ((s.flags() & (syn | fin)) != 0);
    expected_ = s.seq() + length;
    return length != 0;
  }

  VirtualWorker& worker_;
  Instant& now_;
  uint16_t from_;
  SeqNum next_{0xffff'fff0}, expected_{0};
};

TEST_F(WholeStack, a_page_is_served_over_tcp_and_the_connection_closed_when_asked) {
  Client c{worker, now, 4000};
  c.says({}, syn);
  ASSERT_TRUE(c.opened);
  c.says("GET /big HTTP/1.1\r\nHost: www.exa");
  EXPECT_EQ(c.got, "");
  c.says("mple.test\r\n\r\n");
  EXPECT_TRUE(c.got.starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(c.got.ends_with("\r\n\r\n" + big_page()));
  EXPECT_FALSE(c.closed);
  c.got.clear();
  c.says("GET / HTTP/1.1\r\nHost: www.example.test\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(c.got.ends_with("\r\n\r\nhello\n"));
  EXPECT_TRUE(c.closed && !c.reset);
  c.says({}, fin | ack);
  EXPECT_EQ(worker.connections(), 0u);
}

TEST(RouteHints, a_route_says_how_its_connections_send) {
  start_eal();
  const Ip4Addr beyond = Ip4Addr::of(203, 0, 113, 7);
  WorkerPlan plan{two_ports()};
  std::string wrong;
  plan.routes = ip::Routes::build(
      plan.interfaces,
      std::vector<ip::Route>{{.to = *parse_prefix("203.0.113.0/24"),
                              .via = peer,
                              .transport = tcp::RouteHints{tcp::Algorithm::Reno, 1'200}.packed()}},
      plan.ip, wrong);
  ASSERT_TRUE(plan.routes) << wrong;
  VirtualWorker worker{std::move(plan)};
  Instant now{1'000'000'000};
  worker.run(now, 5_s);
  worker.port(0).arrive(arp_from(peer_mac, peer, us));
  worker.turn(now);
  worker.sent(0);
  struct Case {
    Ip4Addr from;
    uint16_t mss;
    tcp::Algorithm how;
  };
  for (const Case& c :
       {Case{beyond, 1'200, tcp::Algorithm::Reno}, Case{peer, 1'460, tcp::Algorithm::Cubic}}) {
    wire::Tcp::Value v{
        .src = {1000}, .dst = {80}, .seq = {100}, .flags = wire::tcp_flag::syn, .window = {65535}};
    const auto says = [&] {
      Octets b(wire::Tcp::header_len);
      wire::Tcp::emit(b.data(), v);
      store_be<uint16_t>(b.data() + wire::Tcp::checksum_at,
                         wire::pseudo_header(c.from, us, 6, wire::Tcp::header_len).add(b).checksum());
      worker.port(0).arrive(frame(ip4({.src = c.from, .proto = IpProto::Tcp}, b)));
      worker.turn(now);
    };
    says();
    const auto out = worker.sent(0);
    ASSERT_EQ(out.size(), 1u);
    const auto ip = ip_of(out[0]);
    const auto answer = *wire::Tcp::parse(ip.payload());
    EXPECT_EQ(wire::TcpOptions::parse(answer.options())->mss, c.mss);
    v.seq = {101};
    v.ack = answer.seq() + 1;
    v.flags = wire::tcp_flag::ack;
    says();
    int found = 0;
    (void)worker.stack().tcp().show(0, 64, [&](const tcp::Tcp::Shown& s) {
      if (s.tuple.remote != IpAddr{c.from}) return true;
      EXPECT_EQ(s.conn.info().congestion, c.how);
      return ++found == 0;
    });
    EXPECT_EQ(found, 1);
  }
  worker.run(now, 1000_s);
}

TEST_F(WholeStack, an_icmp_error_about_a_segment_of_ours_reaches_tcp) {
  gets(tcp4({.src = {1000}, .dst = {80}, .seq = {100}, .flags = wire::tcp_flag::syn, .window = {65535}}));
  const Octets answer = one();
  Octets quote = copy(Bytes{answer}.subspan(14, 28));  // the IP header and 8 octets of the segment
  Octets other = quote;
  ++other[27];  // another sequence number
  gets(frame(ip4({.proto = IpProto::Icmp}, icmp(3, 3, 0, other))));
  EXPECT_EQ(counted(Counter::tcp_icmp_strange), 1u);
  EXPECT_EQ(worker.stack().tcp().half_open(), 1u);
  gets(frame(ip4({.proto = IpProto::Icmp}, icmp(11, 0, 0, quote))));
  EXPECT_EQ(counted(Counter::tcp_icmp_noted), 1u);
  gets(frame(ip4({.proto = IpProto::Icmp}, icmp(3, 3, 0, quote))));
  EXPECT_EQ(counted(Counter::tcp_icmp_ended), 1u);
  EXPECT_EQ(worker.stack().tcp().half_open(), 0u);
}

TEST_F(WholeStack, connections_left_open_are_reset_when_the_worker_ends) {
  Client c{worker, now, 4001};
  c.says({}, syn);
  ASSERT_TRUE(c.opened);
  worker.stack().shut_down(now);
  const Octets f = one();
  EXPECT_TRUE(wire::Tcp::parse(ip_of(f).payload())->flags() & rst);
  EXPECT_EQ(worker.connections(), 0u);
}

// What workers do with each other's messages (app/worker.cc), without rings.
void tell(VirtualWorker& from, VirtualWorker& to, Instant now) {
  link::Messages messages;
  from.stack().take_messages(messages);
  for (const link::Message& m : messages) to.stack().on_message(m, now);
  to.turn(now);
}

class TwoWorkers : public WholeStack {
 protected:
  TwoWorkers() {
    tell(worker, second, now);
    EXPECT_TRUE(second.sent(0).empty() && second.sent(1).empty());
  }
  void run(Duration d) {
    for (const Instant end = now + d; now < end;) {
      now = std::min({end, worker.stack().deadline(), second.stack().deadline()});
      worker.turn(now);
      second.turn(now);
      tell(second, worker, now);
      tell(worker, second, now);
    }
  }
  void TearDown() override {
    second.run(now, 1000_s);
    WholeStack::TearDown();
  }
  static WorkerPlan follower() {
    WorkerPlan p{two_ports()};
    p.keeps_neighbours = false;
    p.seed = 2;
    return p;
  }
  VirtualWorker second{follower()};
};

TEST_F(TwoWorkers, one_learns_the_neighbours_the_other_met) {
  second.port(0).arrive(frame(udp4({.dst = far}, 7, 7, "through")));
  second.turn(now);
  const Frames out = second.sent(1);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(wire::Ethernet::parse(out[0])->dst(), far_mac);
}

TEST_F(TwoWorkers, the_keeper_asks_for_the_other) {
  const Ip4Addr shy = Ip4Addr::of(198, 19, 0, 8);
  second.port(0).arrive(frame(udp4({.dst = shy}, 7, 7, "through")));
  second.turn(now);
  EXPECT_TRUE(second.sent(1).empty()) << "only the keeper speaks ARP";
  tell(second, worker, now);
  ASSERT_TRUE(is_arp(one(1)));
  gets(arp({wire::ArpOp::Reply, mac(8), shy, mac(2), us_wan}, mac(2)), 1);
  tell(worker, second, now);
  const Frames out = second.sent(1);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(wire::Ethernet::parse(out[0])->dst(), mac(8));
}

// The second worker starts to wait when the keeper has nearly given up, so the news comes before its own
// patience ends, and nothing else happens there then.
TEST_F(TwoWorkers, who_only_hears_that_a_neighbour_is_gone_tells_its_senders_at_once) {
  const Octets f = frame(udp4({.dst = silent}, 7, 7, "anybody?"));
  gets(f);
  ASSERT_TRUE(is_arp(one(1)));
  run(2500_ms);
  second.port(0).arrive(f);
  run(499_ms);
  EXPECT_TRUE(worker.sent(0).empty() && second.sent(0).empty());
  EXPECT_EQ(worker.sent(1).size(), 2u) << "the second and the third request";
  run(1_ms);
  expect_error(3, 1, f, us);
  const Frames out = second.sent(0);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(ip_of(out[0]).dst(), peer);
  const auto error = *wire::Icmp4::parse(ip_of(out[0]).payload());
  EXPECT_EQ(error.type(), wire::Icmp4Type::Unreachable);
  EXPECT_EQ(error.code(), 1);
}

// 198.18.0.0/24 - first - 198.19.0.0/24 - second - 203.0.113.0/24
TEST(TwoRouters, a_datagram_crosses_both_and_the_error_of_the_second_comes_back) {
  start_eal();
  std::vector<buf::Interface> near = two_ports(), beyond(2);
  const Ip4Addr gateway = Ip4Addr::of(198, 19, 0, 2), end = Ip4Addr::of(203, 0, 113, 5);
  beyond[0] = {{.mac = mac(3)}, {{gateway, 24}}};
  beyond[1] = {{.mac = mac(4)}, {{Ip4Addr::of(203, 0, 113, 1), 24}}};
  WorkerPlan a{near}, b{beyond};
  std::string wrong;
  a.routes = ip::Routes::build(near, std::vector<ip::Route>{{*parse_prefix("203.0.113.0/24"), gateway}}, a.ip,
                               wrong);
  b.routes =
      ip::Routes::build(beyond, std::vector<ip::Route>{{*parse_prefix("0.0.0.0/0"), us_wan}}, b.ip, wrong);
  VirtualWorker first{std::move(a)}, second{std::move(b)};
  first.port(1).connect(second.port(0));
  Instant now{1'000'000'000};
  const auto run = [&](Duration d) {
    for (const Instant stop = now + d; now < stop; now = now + 10_ms)
      for (int hop = 0; hop < 4; ++hop) first.turn(now), second.turn(now);
  };
  run(3_s);
  first.port(0).arrive(arp_from(peer_mac, peer, us));
  second.port(1).arrive(arp({wire::ArpOp::Request, mac(5), end, {}, Ip4Addr::of(203, 0, 113, 1)}));
  run(10_ms);
  first.sent(0), second.sent(1);

  first.port(0).arrive(frame(udp4({.dst = end, .ttl = 9}, 7, 7, "through")));
  run(10_ms);
  const Frames out = second.sent(1);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(Octets(out[0].begin() + 14, out[0].end()), udp4({.dst = end, .ttl = 7}, 7, 7, "through"));

  first.port(0).arrive(frame(udp4({.dst = end, .ttl = 2}, 7, 7, "through")));
  run(10_ms);
  const Frames back = first.sent(0);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(ip_of(back[0]).src(), gateway);
  EXPECT_EQ(wire::Icmp4::parse(ip_of(back[0]).payload())->type(), wire::Icmp4Type::TimeExceeded);
}

}  // namespace
}  // namespace sluice::test
