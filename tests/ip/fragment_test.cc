// SPDX-License-Identifier: Apache-2.0
// What is too large for its way out, in both families: what we send, and what passes; and fragments that
// come, through the rooms' own doors.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "ip/flow_hash.h"
#include "ip/ip6.h"
#include "ip/room.h"

namespace sluice::ip {
namespace {

using test::far;
using test::Octets;
using test::peer;
using test::us;

Octets pattern(size_t n) {
  Octets b(n);
  for (size_t i = 0; i < n; ++i) b[i] = static_cast<uint8_t>(i * 11 + i / 256);
  return b;
}

class Fragmenting : public test::IpRoom {
 protected:
  // Everything that came out, in its order.
  std::vector<buf::Egress> all_out() {
    std::vector<buf::Egress> all = std::move(sent_first);
    sent_first.clear();
    for (buf::Egress& e : out) all.push_back(std::move(e));
    out.clear();
    return all;
  }
  // A transport's datagram of any size.
  static buf::Transmit datagram(size_t size, IpAddr dst = far) {
    Octets b(8);
    wire::Udp::emit(b.data(), {53}, {4000}, static_cast<uint16_t>(size));
    b = test::join(std::move(b), pattern(size - 8));
    buf::Packet p = test::packet_pool().alloc_for(static_cast<uint32_t>(size));
    check(static_cast<bool>(p), "the test pool has packets");
    std::copy(b.begin(), b.end(), p.append(static_cast<uint16_t>(size)));
    p.headers(0, 0, 8);
    return {std::move(p), {}, dst, IpProto::Udp};
  }
  void send(buf::Transmit&& t) {
    buf::Transmits one;
    one.push(std::move(t));
    room->output(one, now, out);
  }
  // A large datagram in front of a full burst, and packets for 30 of its pieces only.
  void cut_short_in_a_burst(auto&& output, IpAddr dst) {
    buf::Transmits burst;
    burst.push(datagram(60'000, dst));
    while (!burst.full()) burst.push(datagram(100, dst));
    const size_t others = burst.size() - 1;
    std::vector<buf::Packet> taken;
    for (buf::Packet p = test::packet_pool().alloc(); p; p = test::packet_pool().alloc())
      taken.push_back(std::move(p));
    taken.resize(taken.size() - 30);
    output(burst);
    EXPECT_EQ(all_out().size(), 30 + others);
    EXPECT_EQ(count[Counter::ip_no_piece], 1u);
    EXPECT_EQ(count[Counter::ip_sent], others);
  }
  // The payload of IPv4 fragments put together by the naive method; headers are checked on the way.
  static Octets joined(std::span<const buf::Egress> pieces, size_t mtu, uint16_t first_at = 0,
                       bool open = false) {
    Octets payload;
    for (size_t i = 0; i < pieces.size(); ++i) {
      const buf::Packet& p = pieces[i].packet;
      const auto ip = wire::Ip4::parse(p.bytes());
      EXPECT_TRUE(ip && ip->good_checksum());
      EXPECT_EQ(ip->total_length(), p.size());
      EXPECT_LE(p.size(), mtu);
      EXPECT_FALSE(ip->dont_fragment());
      EXPECT_EQ(ip->fragment_offset(), first_at + payload.size());
      EXPECT_EQ(ip->more_fragments(), open || i + 1 < pieces.size());
      payload = test::join(std::move(payload), ip->payload());
    }
    return payload;
  }
};

TEST_F(Fragmenting, our_datagrams_leave_in_as_few_pieces_as_the_mtu_allows) {
  struct Case {
    size_t size, pieces;
  };
  for (const Case& c :
       {Case{1480, 1}, Case{1481, 2}, Case{2960, 2}, Case{2961, 3}, Case{4008, 3}, Case{65515, 45}}) {
    send(datagram(c.size));
    const auto pieces = all_out();
    ASSERT_EQ(pieces.size(), c.pieces) << c.size;
    std::set<uint16_t> ids;
    for (const auto& e : pieces) {
      EXPECT_EQ(e.port, 1);
      EXPECT_EQ(e.next_hop, IpAddr{far});
      EXPECT_TRUE(e.packet.contiguous() && !e.packet.large());
      ids.insert(wire::Ip4::parse(e.packet.bytes())->id());
    }
    EXPECT_EQ(ids.size(), 1u);
    const Octets l4 = joined(pieces, 1500);
    ASSERT_EQ(l4.size(), c.size);
    EXPECT_EQ(Octets(l4.begin() + 8, l4.end()), pattern(c.size - 8));
    EXPECT_EQ(wire::pseudo_header(test::us_wan, far, 17, static_cast<uint32_t>(l4.size())).add(l4).folded(),
              0xffff);
  }
  EXPECT_EQ(count[Counter::ip_sent], 6u);
  EXPECT_EQ(count[Counter::ip_fragmented], 5u);
  send(datagram(65516));
  EXPECT_TRUE(all_out().empty());
  EXPECT_EQ(count[Counter::ip_too_big], 1u);
  EXPECT_EQ(test::packet_pool().large_free(), test::packet_pool().large_size());
}

TEST_F(Fragmenting, a_device_that_sums_is_not_asked_about_pieces) {
  ports[1].caps.tx_ip_checksum = ports[1].caps.tx_l4_checksum = true;
  rebuild();
  send(datagram(3000));
  const auto pieces = all_out();
  ASSERT_EQ(pieces.size(), 3u);
  for (const auto& e : pieces) EXPECT_EQ(e.packet.raw()->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK, 0u);
  const Octets l4 = joined(pieces, 1500);
  EXPECT_EQ(wire::pseudo_header(test::us_wan, far, 17, 3000).add(l4).folded(), 0xffff);
}

TEST_F(Fragmenting, tcp_is_not_cut) {
  buf::Transmit t = datagram(3000);
  t.proto = IpProto::Tcp;
  send(std::move(t));
  EXPECT_TRUE(all_out().empty());
  EXPECT_EQ(count[Counter::ip_too_big], 1u);
}

TEST_F(Fragmenting, a_burst_of_large_datagrams_loses_nothing_and_keeps_its_order) {
  buf::Transmits burst;
  for (int i = 0; i < 60; ++i) burst.push(datagram(i % 8 == 7 ? 40'000 : 100));
  room->output(burst, now, out);
  size_t small = 0, pieces = 0, next = 0;
  for (const auto& e : all_out()) {
    const auto ip = *wire::Ip4::parse(e.packet.bytes());
    if (ip.is_fragment()) {
      EXPECT_EQ(small, 7 * (next + 1)) << "behind those in front of it";
      ++pieces;
      next += !ip.more_fragments();
    } else {
      ++small;
    }
  }
  EXPECT_EQ(small, 53u);
  EXPECT_EQ(pieces, 7u * 28);
  EXPECT_EQ(count[Counter::ip_no_piece], 0u);
}

TEST_F(Fragmenting, identifications_tell_strangers_nothing) {
  std::set<uint16_t> same;
  std::vector<uint16_t> other;
  for (int i = 0; i < 200; ++i) {
    send(datagram(2000));
    send(datagram(2000, Ip4Addr::of(198, 19, 0, static_cast<uint8_t>(8 + i))));
    const auto pieces = all_out();
    same.insert(wire::Ip4::parse(pieces[0].packet.bytes())->id());
    other.push_back(wire::Ip4::parse(pieces[2].packet.bytes())->id());
  }
  EXPECT_EQ(same.size(), 200u) << "none twice for one pair";
  size_t near = 0;
  for (size_t i = 1; i < other.size(); ++i) near += static_cast<uint16_t>(other[i] - other[i - 1] + 64) < 128;
  EXPECT_LT(near, 5u) << "other pairs are elsewhere";
}

TEST_F(Fragmenting, what_passes_and_may_be_cut_is_cut) {
  ports[1].caps.mtu = 576;
  rebuild();
  const Octets payload = pattern(1400);
  struct Case {
    const char* claim;
    test::Ip4Spec spec;
    size_t size, pieces;
  };
  const Case cases[] = {
      {"a datagram", {.dst = far, .tos = 0xbb}, 1400, 3},
      {"a first fragment", {.dst = far, .tos = 0xbb, .fragment = 0x2000}, 1400, 3},
      {"a middle fragment", {.dst = far, .tos = 0xbb, .fragment = 0x2010}, 1400, 3},
      {"a last fragment", {.dst = far, .tos = 0xbb, .fragment = 0x0010}, 1399, 3},
      {"by a gateway", {.dst = Ip4Addr::of(203, 0, 113, 5), .tos = 0xbb}, 557, 2},
  };
  for (const Case& c : cases) {
    test::Ip4Spec spec = c.spec;
    spec.proto = static_cast<IpProto>(99);
    const Octets part(payload.begin(), payload.begin() + static_cast<ptrdiff_t>(c.size));
    options.follow_fragments = false;
    pass(test::ip4(spec, part));
    const auto pieces = all_out();
    ASSERT_EQ(pieces.size(), c.pieces) << c.claim;
    for (const auto& e : pieces) {
      const auto ip = *wire::Ip4::parse(e.packet.bytes());
      EXPECT_EQ(ip.tos(), 0xbb) << c.claim << ": DSCP and ECN are kept";
      EXPECT_EQ(ip.id(), 0x1234) << c.claim;
      EXPECT_EQ(ip.ttl(), 63) << c.claim;
      EXPECT_EQ(ip.src(), peer) << c.claim;
      EXPECT_EQ(e.packet.ingress(), 0) << c.claim << ": received, not ours";
      EXPECT_EQ(e.next_hop, IpAddr{c.pieces == 2 ? Ip4Addr::of(198, 19, 0, 2) : far}) << c.claim;
    }
    EXPECT_EQ(joined(pieces, 576, static_cast<uint16_t>((spec.fragment & 0x1fff) * 8),
                     (spec.fragment & 0x2000) != 0),
              part)
        << c.claim;
  }
  EXPECT_EQ(drops(), 0u);
  EXPECT_EQ(count[Counter::ip_forwarded], 5u);
}

TEST_F(Fragmenting, options_go_with_every_piece_or_with_the_first) {
  ports[1].caps.mtu = 200;
  rebuild();
  // Record route (not copied), two no-operations, router alert and a stream id (both copied), end of list.
  const Octets options_sent = {7, 7, 4, 0, 0, 0, 0, 1, 1, 148, 4, 0, 0, 136, 4, 9, 9, 0, 0, 0};
  const Octets payload = pattern(500);
  pass(test::ip4({.dst = far, .proto = static_cast<IpProto>(99), .options = options_sent}, payload));
  const auto pieces = all_out();
  ASSERT_EQ(pieces.size(), 3u);
  const auto options_of = [&](size_t i) {
    return test::copy(wire::Ip4::parse(pieces[i].packet.bytes())->options());
  };
  EXPECT_EQ(options_of(0), options_sent);
  EXPECT_EQ(options_of(1), (Octets{148, 4, 0, 0, 136, 4, 9, 9}));
  EXPECT_EQ(options_of(2), options_of(1));
  EXPECT_EQ(joined(pieces, 200), payload);
}

TEST_F(Fragmenting, what_would_reach_beyond_a_datagrams_end_is_not_cut) {
  ports[1].caps.mtu = 576;
  options.follow_fragments = false;
  rebuild();
  pass(test::ip4({.dst = far, .fragment = 0x1fff}, pattern(1400)));
  EXPECT_TRUE(all_out().empty());
  EXPECT_EQ(count[Counter::ip_fragment_too_long], 1u);
  EXPECT_EQ(count[Counter::ip_fragmented], 0u);
}

TEST_F(Fragmenting, without_packets_the_rest_is_lost_counted) {
  std::vector<buf::Packet> taken;
  buf::Transmit t = datagram(4000);
  for (buf::Packet p = test::packet_pool().alloc(); p; p = test::packet_pool().alloc())
    taken.push_back(std::move(p));
  taken.pop_back();
  send(std::move(t));
  EXPECT_EQ(all_out().size(), 1u);
  EXPECT_EQ(count[Counter::ip_no_piece], 1u);
  EXPECT_EQ(drops(), 1u);
  EXPECT_EQ(count[Counter::ip_sent], 0u);
}

TEST_F(Fragmenting, a_datagram_cut_short_leaves_the_others_of_its_burst_their_room) {
  cut_short_in_a_burst([&](buf::Transmits& burst) { room->output(burst, now, out); }, far);
}

TEST_F(Fragmenting, fragments_for_us_are_one_datagram_to_the_transport) {
  const Octets payload = test::udp(peer, us, 1000, 7, std::string(3000, 'u'));
  for (size_t at = 0; at < payload.size(); at += 1480) {
    const size_t n = std::min<size_t>(1480, payload.size() - at);
    const bool more = at + n < payload.size();
    input(test::ip4({.fragment = static_cast<uint16_t>(at / 8 | (more ? 0x2000 : 0))},
                    Bytes{payload}.subspan(at, n)));
  }
  EXPECT_EQ(in.fragments.size(), 3u);
  buf::Batch whole;
  room->reassemble(in.fragments, now, whole);
  room->deliver(whole, in);
  ASSERT_EQ(in.udp.size(), 1u);
  EXPECT_EQ(test::copy(in.udp[0].l4()), payload);
}

TEST_F(Fragmenting, fragments_that_no_honest_host_sends_die_with_a_reason) {
  struct Case {
    const char* claim;
    test::Ip4Spec spec;
    size_t size;
    Counter why;
  };
  const Case cases[] = {
      {"no octets", {.fragment = 0x2001}, 0, Counter::ip_fragment_bad},
      {"a last one without octets", {.fragment = 0x0001}, 0, Counter::ip_fragment_bad},
      {"no multiple of 8", {.fragment = 0x2000}, 15, Counter::ip_fragment_bad},
      {"beyond 65,535 octets", {.fragment = 0x1fff}, 8, Counter::ip_fragment_too_long},
      {"TCP from octet 8 on", {.proto = IpProto::Tcp, .fragment = 0x2001}, 24, Counter::ip_fragment_tiny},
      {"TCP of 8 octets", {.proto = IpProto::Tcp, .fragment = 0x2000}, 8, Counter::ip_fragment_tiny},
  };
  for (const Case& c : cases) {
    const uint64_t before = count[c.why], all = drops();
    input(test::ip4(c.spec, pattern(c.size)));
    buf::Batch whole;
    room->reassemble(in.fragments, now, whole);
    EXPECT_TRUE(whole.empty()) << c.claim;
    EXPECT_EQ(count[c.why], before + 1) << c.claim;
    EXPECT_EQ(drops(), all + 1) << c.claim;
  }
  EXPECT_EQ(fragments->reassembly.pieces().packets(), 0u);
}

// Over equal ways, all fragments go where the flow's whole packets go.
TEST_F(Fragmenting, fragments_take_the_way_of_their_flow) {
  std::string error;
  ports.push_back({{.mac = test::mac(3)}, {{Ip4Addr::of(198, 20, 0, 1), 24}}});
  rebuild();
  ip::Route spread{*parse_prefix("100.64.0.0/16"), Ip4Addr::of(198, 19, 0, 2)};
  spread.more.push_back({Ip4Addr::of(198, 20, 0, 2)});
  const auto routes = Routes::build(ports, std::vector<Route>{spread}, options, error);
  ASSERT_NE(routes, nullptr) << error;
  room->use(routes);
  const auto fragments_go = [&] {
    room->follow(in.passing, now);
    for (buf::Batch b; fragments->following.take(b); b.clear()) room->forward(b, now, out);
  };
  std::set<uint16_t> used;
  for (uint16_t port = 1000; port < 1064; ++port) {
    const test::Ip4Spec spec{.dst = Ip4Addr::of(100, 64, 0, 9)};
    pass(test::udp4(spec, port, 53, "whole"));
    const auto whole = all_out();
    ASSERT_EQ(whole.size(), 1u);
    used.insert(whole[0].port);
    const Octets payload = test::udp(spec.src, spec.dst, port, 53, std::string(40, 'f'));
    const auto piece = [&](uint16_t at, bool more) {
      test::Ip4Spec s = spec;
      s.fragment = static_cast<uint16_t>(at / 8 | (more ? 0x2000 : 0));
      input(test::ip4(s, Bytes{payload}.subspan(at, 16)));
      fragments_go();
    };
    piece(32, false);
    piece(16, true);
    EXPECT_TRUE(out.empty()) << "the way is not known yet";
    piece(0, true);
    const auto pieces = all_out();
    ASSERT_EQ(pieces.size(), 3u);
    for (const auto& e : pieces) EXPECT_EQ(e.port, whole[0].port) << port;
    now = now + options.follow_time;
    fragments->following.expire(now);
  }
  EXPECT_EQ(used.size(), 2u) << "both ways are used, so the agreement is none of chance";
}

// -- IPv6

constexpr Ip6Addr us6 = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 1),
                  peer6 = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 9);
constexpr Ip6Addr wan6 = Ip6Addr::of(0x2001, 2, 0, 2, 0, 0, 0, 1),
                  far6 = Ip6Addr::of(0x2001, 2, 0, 2, 0, 0, 0, 7);

class Fragmenting6 : public Fragmenting {
 protected:
  Fragmenting6() {
    std::string error;
    ports[0].addresses.push_back({us6, 64});
    ports[1].addresses.push_back({wan6, 64});
    rebuild();
    const auto routes = Routes::build(ports, {}, options, error);
    check(routes != nullptr, "the test's routes are good");
    room6 = std::make_unique<Ip6>(options, ports, routes, *fragments, count, rng);
    room6->addresses().use({us6, 0, 64});
    room6->addresses().use({wan6, 1, 64});
  }
  void TearDown() override {
    in6 = {};
    room6.reset();
    Fragmenting::TearDown();
  }
  void send6(buf::Transmit&& t) {
    buf::Transmits one;
    one.push(std::move(t));
    room6->output(one, now, out);
  }
  static Octets ip6(uint8_t next, Bytes payload, Ip6Addr dst = us6) {
    Octets b(40);
    wire::Ip6::emit(b.data(), {.traffic_class = 2,
                               .flow_label = 0x12345,
                               .payload_length = static_cast<uint16_t>(payload.size()),
                               .next_header = next,
                               .src = peer6,
                               .dst = dst});
    return test::join(std::move(b), payload);
  }
  static Octets piece6(uint8_t next, Bytes part, size_t at, bool more, uint32_t id = 1, Ip6Addr dst = us6) {
    Octets b(8);
    wire::Ip6Fragment::emit(b.data(), next, static_cast<uint16_t>(at), more, id);
    return ip6(44, test::join(std::move(b), part), dst);
  }
  void input6(const Octets& packet) {
    buf::Batch b;
    b.push(test::received(test::frame(packet, wire::EtherType::Ip6)));
    room6->input(b, in, in6);
    buf::Batch whole;
    room6->reassemble(in6.fragments, now, whole, in6);
    room6->deliver(whole, in, in6);
  }
  static Octets udp6(Ip6Addr src, Ip6Addr dst, size_t size) {
    Octets b(8);
    wire::Udp::emit(b.data(), {1000}, {7}, static_cast<uint16_t>(size));
    b = test::join(std::move(b), pattern(size - 8));
    store_be<uint16_t>(b.data() + 6,
                       wire::pseudo_header(src, dst, 17, static_cast<uint32_t>(size)).add(b).checksum());
    return b;
  }
  std::unique_ptr<Ip6> room6;
  In6 in6;
};

TEST_F(Fragmenting6, a_datagram_cut_short_leaves_the_others_of_its_burst_their_room) {
  cut_short_in_a_burst([&](buf::Transmits& burst) { room6->output(burst, now, out); }, far6);
}

TEST_F(Fragmenting6, our_datagrams_leave_in_pieces_that_every_link_carries) {
  for (const size_t size : {size_t{1460}, size_t{1461}, size_t{5000}, size_t{65527}}) {
    send6(datagram(size, far6));
    const auto pieces = all_out();
    Octets l4;
    std::set<uint32_t> ids;
    for (size_t i = 0; i < pieces.size(); ++i) {
      const auto ip = wire::Ip6::parse(pieces[i].packet.bytes());
      ASSERT_TRUE(ip);
      EXPECT_EQ(ip->total_length(), pieces[i].packet.size());
      EXPECT_EQ(pieces[i].port, 1);
      if (size == 1460) {
        EXPECT_EQ(ip->next_header(), 17);
        l4 = test::copy(ip->payload());
        break;
      }
      EXPECT_LE(ip->total_length(), 1280u);
      wire::Ip6Chain chain;
      ASSERT_FALSE(wire::walk_extensions(pieces[i].packet.bytes(), {}, chain));
      ASSERT_TRUE(chain.fragmented);
      EXPECT_EQ(chain.fragment.offset, l4.size());
      EXPECT_EQ(chain.fragment.more, i + 1 < pieces.size());
      EXPECT_EQ(chain.fragment.next_header, 17);
      ids.insert(chain.fragment.id);
      l4 = test::join(std::move(l4), ip->payload().subspan(8));
    }
    EXPECT_EQ(pieces.size(), size == 1460 ? 1u : (size + 1231) / 1232);
    EXPECT_LE(ids.size(), 1u);
    ASSERT_EQ(l4.size(), size);
    EXPECT_EQ(Octets(l4.begin() + 8, l4.end()), pattern(size - 8));
    EXPECT_EQ(wire::pseudo_header(wan6, far6, 17, static_cast<uint32_t>(size)).add(l4).folded(), 0xffff);
  }
  send6(datagram(65528, far6));
  EXPECT_TRUE(all_out().empty()) << "no fragment header fits";
  EXPECT_EQ(count[Counter::ip_too_big], 1u);
}

TEST_F(Fragmenting6, fragments_for_us_are_one_packet_behind_its_other_headers) {
  const Octets l4 = udp6(peer6, us6, 4000);
  // A destination options header in front of the fragment header, another behind.
  const Octets options_in{44, 0, 1, 4, 0, 0, 0, 0}, behind{17, 0, 1, 4, 0, 0, 0, 0};
  const Octets whole = test::join(Octets(behind), l4);
  std::vector<Octets> packets;
  for (size_t at = 0; at < whole.size(); at += 1000) {
    const size_t n = std::min<size_t>(1000, whole.size() - at);
    Octets f(8);
    wire::Ip6Fragment::emit(f.data(), 60, static_cast<uint16_t>(at), at + n < whole.size(), 9);
    packets.push_back(ip6(60, test::join(test::join(Octets(options_in), f), Bytes{whole}.subspan(at, n))));
  }
  std::reverse(packets.begin(), packets.end());
  for (const Octets& p : packets) input6(p);
  ASSERT_EQ(in.udp.size(), 1u);
  EXPECT_EQ(in.udp[0].l3_len(), 56u);
  EXPECT_EQ(test::copy(in.udp[0].l4()), l4);
  const auto ip = wire::Ip6::parse(in.udp[0].l3());
  EXPECT_EQ(ip->flow_label(), 0x12345u);
  EXPECT_EQ(ip->total_length(), in.udp[0].l3().size());
}

TEST_F(Fragmenting6, what_is_wrong_with_a_fragment_is_told) {
  struct Case {
    const char* claim;
    Octets packet;
    Counter why;
    int code;  // -1: nobody is told
    uint16_t pointer = 0;
  };
  const Octets l4 = udp6(peer6, us6, 1000);
  const auto part = [&](size_t n) { return Bytes{l4}.first(n); };
  const Octets cut_options{17, 3, 1, 4, 0, 0, 0, 0};  // 32 octets long, 8 are here
  const Case cases[] = {
      {"no multiple of 8", piece6(17, part(15), 0, true), Counter::ip_fragment_bad, 0, 4},
      {"beyond 65,535 octets", piece6(17, part(8), 65528, false), Counter::ip_fragment_too_long, 0, 42},
      {"no octets", piece6(17, {}, 8, false), Counter::ip_fragment_bad, -1},
      {"a first one without the whole UDP header", piece6(17, {}, 0, true), Counter::ip_fragment_bad, -1},
      {"a first one without the whole TCP header", piece6(6, part(16), 0, true), Counter::ip_fragment_tiny,
       3},
      {"a first one without the whole chain", piece6(60, cut_options, 0, true), Counter::ip_fragment_tiny, 3},
      {"a first one that ends with the fragment header", piece6(60, {}, 0, true), Counter::ip_fragment_tiny,
       3},
  };
  for (const Case& c : cases) {
    const uint64_t before = count[c.why];
    input6(c.packet);
    EXPECT_EQ(count[c.why], before + 1) << c.claim;
    EXPECT_EQ(in6.problems.size(), c.code < 0 ? 0u : 1u) << c.claim;
    room6->tell(in6.problems, now, out);
    const auto told = all_out();
    if (c.code < 0) continue;
    ASSERT_EQ(told.size(), 1u) << c.claim;
    const Bytes icmp = wire::Ip6::parse(told[0].packet.bytes())->payload();
    EXPECT_EQ(icmp[0], 4) << c.claim;
    EXPECT_EQ(icmp[1], c.code) << c.claim;
    EXPECT_EQ(load_be<uint32_t>(icmp.data() + 4), c.pointer) << c.claim;
  }
  EXPECT_EQ(fragments->reassembly.pieces().packets(), 0u);
}

TEST_F(Fragmenting6, neighbour_discovery_in_fragments_is_nobodys) {
  // RFC 6980: a solicitation for our address, whole and good but for the fragments it came in.
  Octets ns(24);
  ns[0] = 135;
  std::copy(us6.b.begin(), us6.b.end(), ns.begin() + 8);
  store_be<uint16_t>(ns.data() + 2, wire::pseudo_header(peer6, us6, 58, 24).add(ns).checksum());
  const auto with_limit = [](Octets p) {
    p[7] = 255;
    return p;
  };
  input6(with_limit(ip6(58, ns)));
  EXPECT_EQ(in6.nd.size(), 1u) << "as it should come";
  input6(with_limit(piece6(58, Bytes{ns}.first(16), 0, true)));
  input6(with_limit(piece6(58, Bytes{ns}.subspan(16), 16, false)));
  input6(with_limit(piece6(58, ns, 0, false)));
  EXPECT_EQ(in6.nd.size(), 1u);
  EXPECT_EQ(count[Counter::nd_invalid], 2u);
}

TEST_F(Fragmenting6, fragments_that_pass_know_their_flow) {
  const Octets l4 = udp6(peer6, far6, 100);
  const auto flow_of = [&](const Octets& packet) {
    input6(packet);
    room6->follow(in6.passing, now);
    std::vector<uint32_t> ways;
    for (buf::Batch b; fragments->following.take(b); b.clear())
      for (const buf::Packet& p : b) {
        ways.push_back(flow_hash(1, *wire::Ip6::parse(p.l3()), p));
        EXPECT_TRUE(p.knows_flow());
      }
    return ways;
  };
  const Octets whole = ip6(17, l4, far6);
  buf::Packet p = test::received(test::frame(whole, wire::EtherType::Ip6));
  const uint32_t way = flow_hash(1, *wire::Ip6::parse(p.l3()), p);
  EXPECT_EQ(flow_of(piece6(17, Bytes{l4}.subspan(48), 48, false, 5, far6)).size(), 0u);
  EXPECT_EQ(flow_of(piece6(17, Bytes{l4}.first(48), 0, true, 5, far6)), (std::vector<uint32_t>{way, way}));
  EXPECT_EQ(flow_of(piece6(17, l4, 0, false, 6, far6)), (std::vector<uint32_t>{way})) << "an atomic one";
  EXPECT_EQ(fragments->following.pieces().datagrams(), 1u);
}

}  // namespace
}  // namespace sluice::ip
