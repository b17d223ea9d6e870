// SPDX-License-Identifier: Apache-2.0
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "buf/pool.h"
#include "ip/room.h"

namespace sluice::ip {
namespace {

using test::far;
using test::Octets;
using test::peer;
using test::us;

class IpOutput : public test::IpRoom {
 protected:
  // A UDP datagram as the transport hands it over: checksum 0.
  static buf::Transmit udp(std::string_view text, IpAddr dst = IpAddr{far}) {
    Octets b(8);
    wire::Udp::emit(b.data(), {53}, {4000}, static_cast<uint16_t>(8 + text.size()));
    buf::Packet p = test::packet_of(test::join(std::move(b), as_bytes(text)));
    p.headers(0, 0, 8);
    return {std::move(p), {}, dst, IpProto::Udp};
  }
  static buf::Transmit tcp(std::string_view text) {
    Octets b(20);
    b[12] = 0x50;
    buf::Packet p = test::packet_of(test::join(std::move(b), as_bytes(text)));
    p.headers(0, 0, 20);
    return {std::move(p), {}, far, IpProto::Tcp};
  }
  void send(buf::Transmit&& t) {
    buf::Transmits in_;
    in_.push(std::move(t));
    room->output(in_, now, out);
    EXPECT_TRUE(in_.empty());
  }
  // Whether the transport checksum over the linear datagram is right.
  static bool good_transport(const buf::Packet& p) {
    Octets b;
    p.for_each_segment([&](Bytes s) { b.insert(b.end(), s.begin(), s.end()); });
    const auto ip = wire::Ip4::parse(b);
    if (!ip || !ip->good_checksum() || ip->total_length() != b.size()) return false;
    const Bytes l4 = ip->payload();
    return wire::pseudo_header(ip->src(), ip->dst(), ip->proto(), static_cast<uint32_t>(l4.size()))
               .add(l4)
               .folded() == 0xffff;
  }
};

TEST_F(IpOutput, chooses_route_and_source_and_makes_both_checksums) {
  send(udp("answer"));
  send(udp("answer", Ip4Addr::of(203, 0, 113, 9)));
  send(udp("answer", peer));
  ASSERT_EQ(out.size(), 3u);
  const struct {
    uint16_t port;
    Ip4Addr src, next;
  } want[] = {{1, test::us_wan, far}, {1, test::us_wan, Ip4Addr::of(198, 19, 0, 2)}, {0, us, peer}};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(out[i].port, want[i].port);
    EXPECT_EQ(out[i].next_hop, IpAddr{want[i].next});
    const auto ip = wire::Ip4::parse(out[i].packet.bytes());
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->src(), want[i].src);
    EXPECT_FALSE(ip->dont_fragment());
    EXPECT_TRUE(good_transport(out[i].packet));
  }
  EXPECT_NE(wire::Ip4::parse(out[0].packet.bytes())->id(), wire::Ip4::parse(out[1].packet.bytes())->id());
  EXPECT_EQ(count[Counter::ip_sent], 3u);
}

TEST_F(IpOutput, keeps_the_source_it_is_given_if_that_is_ours) {
  buf::Transmit ours = udp("x"), broadcast = udp("x"), alien = udp("x");
  ours.src = us;
  broadcast.src = Ip4Addr::of(198, 18, 0, 255);
  alien.src = peer;
  send(std::move(ours));
  send(std::move(broadcast));
  send(std::move(alien));
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(wire::Ip4::parse(out[0].packet.bytes())->src(), us);
  EXPECT_EQ(wire::Ip4::parse(out[1].packet.bytes())->src(), test::us_wan);
  EXPECT_EQ(wire::Ip4::parse(out[2].packet.bytes())->src(), test::us_wan);
}

TEST_F(IpOutput, tcp_must_not_be_fragmented) {
  send(tcp("text"));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(wire::Ip4::parse(out[0].packet.bytes())->dont_fragment());
  EXPECT_TRUE(good_transport(out[0].packet));
}

TEST_F(IpOutput, a_checksum_that_comes_out_as_zero_is_sent_as_all_ones) {
  // The text's last two octets are chosen so that the sum comes out as 0xffff, and its complement as 0.
  Octets l4(8);
  wire::Udp::emit(l4.data(), {53}, {4000}, 12);
  l4 = test::join(std::move(l4), as_bytes(std::string_view{"ab\0\0", 4}));
  const uint16_t rest = wire::pseudo_header(test::us_wan, far, 17, 12).add(l4).folded();
  const auto missing = static_cast<uint16_t>(0xffff - rest);
  const char text[4] = {'a', 'b', static_cast<char>(missing >> 8), static_cast<char>(missing)};
  send(udp({text, 4}));
  ASSERT_EQ(out.size(), 1u);
  const Bytes b = out[0].packet.bytes();
  EXPECT_EQ(load_be<uint16_t>(b.data() + 26), 0xffff);
  EXPECT_TRUE(good_transport(out[0].packet));
}

TEST_F(IpOutput, a_chain_of_odd_pieces_has_the_checksum_of_the_whole) {
  ports[1].caps.tx_multi_segment = true;
  rebuild();
  std::string text(300, 0);
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 37 + 11);
  buf::ChunkPool chunks{1};
  buf::Chunk* c = chunks.alloc();
  std::memcpy(c->data, text.data(), text.size());
  for (const std::vector<uint32_t>& cuts :
       {std::vector<uint32_t>{1, 2}, {1, 2, 3}, {7, 8, 9, 100}, {99, 200}, {299}, {3, 3 + 128, 3 + 129}}) {
    buf::Transmit t = tcp(text.substr(0, cuts[0]));
    uint32_t at = cuts[0];
    for (size_t i = 1; i <= cuts.size(); ++i) {
      const uint32_t end = i < cuts.size() ? cuts[i] : static_cast<uint32_t>(text.size());
      buf::Slice s{*c, at, end - at};
      ASSERT_TRUE(test::packet_pool().attach(t.packet, s));
      at = end;
    }
    EXPECT_FALSE(t.packet.contiguous());
    send(std::move(t));
    ASSERT_EQ(out.size(), 1u);
    EXPECT_FALSE(out[0].packet.contiguous());
    EXPECT_TRUE(good_transport(out[0].packet)) << cuts[0];
    out.clear();
  }
}

TEST_F(IpOutput, a_chain_is_copied_together_for_a_device_that_takes_none) {
  buf::ChunkPool chunks{1};
  buf::Slice s{*chunks.alloc(), 0, 333};
  buf::Transmit t = tcp("x");
  ASSERT_TRUE(test::packet_pool().attach(t.packet, s));
  send(std::move(t));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(out[0].packet.contiguous());
  EXPECT_TRUE(good_transport(out[0].packet));
}

TEST_F(IpOutput, asks_a_device_that_can_for_its_checksums) {
  ports[1].caps.tx_l4_checksum = ports[1].caps.tx_ip_checksum = true;
  rebuild();
  send(tcp("text"));
  send(udp("text"));
  ASSERT_EQ(out.size(), 2u);
  for (const buf::Egress& e : out) {
    rte_mbuf* m = e.packet.raw();
    const bool is_tcp = &e == out.begin();
    EXPECT_EQ(m->ol_flags, RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM |
                               (is_tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM));
    EXPECT_EQ(e.packet.l3_len(), 20u);
    EXPECT_EQ(e.packet.l4_len(), is_tcp ? 20u : 8u);
    auto* ip = rte_pktmbuf_mtod(m, rte_ipv4_hdr*);
    EXPECT_EQ(ip->hdr_checksum, 0);
    // DPDK's own idea of what the device wants to find in the field.
    uint16_t field;
    std::memcpy(&field, e.packet.data() + 20 + (is_tcp ? 16 : 6), 2);
    EXPECT_EQ(field, rte_ipv4_phdr_cksum(ip, m->ol_flags));
  }
}

TEST_F(IpOutput, asks_for_segmentation_with_the_pseudo_header_the_device_wants) {
  auto& caps = ports[1].caps;
  caps.tx_l4_checksum = caps.tx_ip_checksum = caps.tx_multi_segment = caps.tcp_segmentation = true;
  rebuild();
  buf::Transmit t = tcp(std::string(1900, 'x'));
  t.segment_size = 1000;
  send(std::move(t));
  ASSERT_EQ(out.size(), 1u);
  rte_mbuf* m = out[0].packet.raw();
  EXPECT_EQ(m->tso_segsz, 1000);
  EXPECT_NE(m->ol_flags & RTE_MBUF_F_TX_TCP_SEG, 0u);
  uint16_t field;
  std::memcpy(&field, out[0].packet.data() + 36, 2);
  EXPECT_EQ(field, rte_ipv4_phdr_cksum(rte_pktmbuf_mtod(m, rte_ipv4_hdr*), m->ol_flags));
}

TEST_F(IpOutput, each_offload_is_used_without_the_others) {
  for (int n = 0; n < 16; ++n) {
    const bool ip = (n & 1) != 0, l4 = (n & 2) != 0, tso = (n & 4) != 0, small = (n & 8) != 0;
    auto& caps = ports[1].caps;
    caps.tx_ip_checksum = ip;
    caps.tx_l4_checksum = l4;
    caps.tcp_segmentation = caps.tx_multi_segment = tso;
    caps.sums_from = 500;
    rebuild();
    out.clear();
    buf::Transmit t = tcp(std::string(small ? 400 : 1200, 'x'));
    t.segment_size = small ? uint16_t{0} : uint16_t{1000};
    send(std::move(t));
    ASSERT_EQ(out.size(), 1u) << n;
    rte_mbuf* m = out[0].packet.raw();
    const bool cuts = tso && !small, asks = cuts || (l4 && !small);
    EXPECT_EQ((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0, cuts) << n;
    EXPECT_EQ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM, asks && !cuts) << n;
    EXPECT_EQ((m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0, ip) << n;
    auto* header = rte_pktmbuf_mtod(m, rte_ipv4_hdr*);
    if (ip) {
      EXPECT_EQ(header->hdr_checksum, 0) << n;
      header->hdr_checksum = rte_ipv4_cksum(header);  // what the device does
    } else {
      EXPECT_TRUE(wire::Ip4::parse(out[0].packet.bytes())->good_checksum())
          << n << ": ours, also of what is cut";
    }
    uint16_t field;
    std::memcpy(&field, out[0].packet.data() + 36, 2);
    if (asks) {
      EXPECT_EQ(field, rte_ipv4_phdr_cksum(header, m->ol_flags)) << n;
    } else {
      EXPECT_TRUE(good_transport(out[0].packet)) << n;
    }
  }
}

TEST_F(IpOutput, segments_itself_nothing_for_a_device_that_cannot) {
  buf::Transmit big = tcp(std::string(1900, 'x')), small = tcp(std::string(1200, 'x'));
  big.segment_size = small.segment_size = 1000;
  send(std::move(big));
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(count[Counter::ip_too_big], 1u);
  send(std::move(small));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].packet.raw()->ol_flags, 0u);
  EXPECT_TRUE(good_transport(out[0].packet));
}

TEST_F(IpOutput, what_cannot_leave_dies_counted) {
  struct Case {
    const char* claim;
    Ip4Addr dst;
    size_t size;
    Counter why;
  };
  const Case cases[] = {
      {"no route", Ip4Addr::of(8, 8, 8, 8), 1, Counter::ip_no_route},
      {"to ourselves", us, 1, Counter::ip_to_self},
      {"a blackhole", Ip4Addr::of(192, 0, 2, 1), 1, Counter::ip_blackhole},
      {"prohibited", Ip4Addr::of(198, 51, 100, 1), 1, Counter::ip_prohibited},
  };
  for (const Case& c : cases) {
    send(udp(std::string(c.size, 'x'), c.dst));
    EXPECT_EQ(count[c.why], 1u) << c.claim;
    EXPECT_TRUE(out.empty()) << c.claim;
  }
  buf::Transmit six = udp("x");
  six.dst = *parse_ip("2001:2::1");
  send(std::move(six));
  EXPECT_EQ(count[Counter::ip_no_route], 2u);
  send(udp(std::string(1472, 'x')));
  EXPECT_EQ(out.size(), 1u) << "the largest that fits";
}

TEST_F(IpOutput, a_path_says_what_a_transport_wants_to_know) {
  ports[1].caps.mtu = 1400;
  ports[1].caps.tcp_segmentation = true;
  rebuild();
  const auto p = room->path(Ip4Addr::of(203, 0, 113, 9));
  ASSERT_TRUE(p);
  EXPECT_EQ(p->port, 1);
  EXPECT_EQ(p->mtu, 1400);
  EXPECT_EQ(p->source, IpAddr{test::us_wan});
  EXPECT_TRUE(p->tcp_segmentation);
  const auto self = room->path(us), nowhere = room->path(Ip4Addr::of(8, 8, 8, 8)),
             six = room->path(*parse_ip("::1"));
  ASSERT_FALSE(self);
  EXPECT_EQ(self.why(), Counter::ip_to_self);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.why(), Counter::ip_no_route);
  EXPECT_FALSE(six);
}

}  // namespace
}  // namespace sluice::ip
