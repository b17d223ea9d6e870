// SPDX-License-Identifier: Apache-2.0
#include "udp/udp.h"

#include <rte_mbuf.h>

#include <cstring>
#include <optional>

#include "support/frames.h"

namespace sluice::udp {
namespace {

using test::Octets;
using test::peer;
using test::us;

class UdpRoom : public test::PacketTest {
 protected:
  // A datagram as ip hands it on.
  static buf::Packet arrived(const Octets& datagram) {
    buf::Packet p = test::received(test::frame(datagram));
    p.headers(14, 20, 0);
    return p;
  }
  void input(buf::Packet&& p) {
    buf::Batch in;
    in.push(std::move(p));
    udp.input(in, got, refused);
    EXPECT_TRUE(in.empty());
  }
  Options options;
  Counters count;
  Udp udp{options, count};
  Datagrams got;
  buf::Batch refused;
  buf::Transmits out;
};

TEST_F(UdpRoom, delivers_to_the_listener_at_the_address_before_the_one_at_any) {
  ASSERT_TRUE(udp.listen(IpAddr{}, {53}, 1));
  ASSERT_TRUE(udp.listen(us, {53}, 2));
  input(arrived(test::udp4({}, 4000, 53, "to us")));
  input(arrived(test::udp4({.dst = test::us_wan}, 4000, 53, "to any")));
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].service, 2);
  EXPECT_EQ(as_text(got[0].payload), "to us");
  EXPECT_EQ(got[0].tuple, (Tuple{peer, us, {4000}, {53}, IpProto::Udp}));
  EXPECT_EQ(got[1].service, 1);
  EXPECT_EQ(count[Counter::udp_in], 2u);
  got.clear();
}

TEST_F(UdpRoom, one_listener_per_address_and_port) {
  EXPECT_TRUE(udp.listen(us, {53}, 1));
  EXPECT_FALSE(udp.listen(us, {53}, 2));
  EXPECT_TRUE(udp.listen(us, {54}, 2));
  EXPECT_FALSE(udp.listen(us, {0}, 3));
}

TEST_F(UdpRoom, a_listener_hears_its_vrf_alone) {
  ASSERT_TRUE(udp.listen(IpAddr{}, {53}, 1));
  ASSERT_TRUE(udp.listen(IpAddr{}, {53}, 2, 7));
  EXPECT_FALSE(udp.listen(IpAddr{}, {53}, 3, 7));
  struct Case {
    uint16_t vrf;
    std::optional<uint16_t> service;
  };
  for (const Case& c : {Case{0, 1}, Case{7, 2}, Case{8, {}}}) {
    got.clear();
    refused.clear();
    buf::Batch in;
    in.push(arrived(test::udp4({}, 4000, 53, "who?")));
    udp.input(in, got, refused, c.vrf);
    ASSERT_EQ(got.size(), c.service ? 1u : 0u) << c.vrf;
    EXPECT_EQ(refused.size(), c.service ? 0u : 1u) << c.vrf;
    if (!c.service) continue;
    EXPECT_EQ(got[0].service, *c.service);
    EXPECT_EQ(got[0].tuple.vrf, c.vrf);
    buf::Transmits answers;
    ASSERT_TRUE(udp.reply(std::move(got[0]), 2, answers));
    EXPECT_EQ(answers[0].vrf, c.vrf) << "and the answer goes back in it";
  }
  refused.clear();
}

TEST_F(UdpRoom, hands_back_what_nobody_listens_to) {
  ASSERT_TRUE(udp.listen(test::us_wan, {53}, 1));
  input(arrived(test::udp4({}, 4000, 53, "wrong address")));
  input(arrived(test::udp4({}, 4000, 99, "wrong port")));
  EXPECT_EQ(refused.size(), 2u);
  EXPECT_EQ(got.size(), 0u);
  EXPECT_EQ(count[Counter::udp_no_port], 2u);
  refused.clear();
}

TEST_F(UdpRoom, counts_why_a_datagram_died) {
  ASSERT_TRUE(udp.listen(IpAddr{}, {53}, 1));
  Octets wrong_sum = test::udp4({}, 4000, 53, "text");
  wrong_sum.back() ^= 1;
  Octets long_length = test::udp4({}, 4000, 53, "text");
  store_be<uint16_t>(long_length.data() + 24, 13);
  const Octets cut = test::ip4({}, Octets(7));
  const Octets zero = test::udp4({}, 4000, 0, "text");
  const std::pair<Octets, Counter> cases[] = {{wrong_sum, Counter::udp_checksum},
                                              {long_length, Counter::udp_length},
                                              {cut, Counter::udp_truncated},
                                              {zero, Counter::udp_port_zero}};
  for (const auto& [datagram, why] : cases) {
    input(arrived(datagram));
    EXPECT_EQ(count[why], 1u) << counter_table()[static_cast<size_t>(why)].labels[3];
  }
  EXPECT_TRUE(got.empty());
  EXPECT_TRUE(refused.empty());
}

TEST_F(UdpRoom, a_zero_checksum_was_not_made_and_is_not_checked) {
  ASSERT_TRUE(udp.listen(IpAddr{}, {53}, 1));
  Octets b = test::udp4({}, 4000, 53, "text");
  store_be<uint16_t>(b.data() + 26, 0);
  b.back() ^= 1;
  input(arrived(b));
  EXPECT_EQ(got.size(), 1u);
  got.clear();
}

TEST_F(UdpRoom, believes_the_device_about_checksums) {
  ASSERT_TRUE(udp.listen(IpAddr{}, {53}, 1));
  Octets wrong = test::udp4({}, 4000, 53, "text");
  wrong.back() ^= 1;
  buf::Packet good = arrived(wrong), bad = arrived(test::udp4({}, 4000, 53, "text"));
  good.request(RTE_MBUF_F_RX_L4_CKSUM_GOOD);
  bad.request(RTE_MBUF_F_RX_L4_CKSUM_BAD);
  input(std::move(good));
  input(std::move(bad));
  EXPECT_EQ(got.size(), 1u);
  EXPECT_EQ(count[Counter::udp_checksum], 1u);
  got.clear();
}

TEST_F(UdpRoom, octets_behind_the_udp_length_are_not_payload) {
  ASSERT_TRUE(udp.listen(IpAddr{}, {53}, 1));
  Octets u = test::udp(peer, us, 4000, 53, "abc");
  u.resize(u.size() + 5, 0xee);
  input(arrived(test::ip4({}, u)));
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(as_text(got[0].payload), "abc");
  got.clear();
}

TEST_F(UdpRoom, answers_shorter_and_longer_than_the_question_go_back_in_its_packet) {
  ASSERT_TRUE(udp.listen(IpAddr{}, {53}, 1));
  for (const std::string& answer :
       {std::string{"a"}, std::string{"same!"}, std::string(1800, 'x'), std::string{}}) {
    input(arrived(test::udp4({}, 4000, 53, "quest")));
    ASSERT_EQ(got.size(), 1u);
    ASSERT_GE(got[0].room().size(), answer.size());
    std::memcpy(got[0].room().data(), answer.data(), answer.size());
    ASSERT_TRUE(udp.reply(std::move(got[0]), answer.size(), out));
    got.clear();
    ASSERT_EQ(out.size(), 1u);
    const buf::Transmit& t = out[0];
    EXPECT_EQ(t.src, IpAddr{us});
    EXPECT_EQ(t.dst, IpAddr{peer});
    EXPECT_EQ(t.proto, IpProto::Udp);
    EXPECT_EQ(t.packet.l4_len(), 8u);
    const auto u = wire::Udp::parse(t.packet.bytes());
    ASSERT_TRUE(u);
    EXPECT_EQ(u->src(), Port{53});
    EXPECT_EQ(u->dst(), Port{4000});
    EXPECT_EQ(as_text(u->payload()), answer);
    EXPECT_EQ(t.packet.size(), 8 + answer.size());
    out.clear();
  }
}

TEST_F(UdpRoom, an_answer_longer_than_the_room_is_dropped_and_counted) {
  ASSERT_TRUE(udp.listen(IpAddr{}, {53}, 1));
  input(arrived(test::udp4({}, 4000, 53, "q")));
  ASSERT_EQ(got.size(), 1u);
  const size_t room = got[0].room().size();
  EXPECT_FALSE(udp.reply(std::move(got[0]), room + 1, out));
  EXPECT_EQ(count[Counter::udp_reply_too_long], 1u);
  EXPECT_TRUE(out.empty());
  got.clear();
}

TEST_F(UdpRoom, sends_as_a_client) {
  ASSERT_TRUE(udp.send(test::packet_of(as_bytes("hello")), {peer, us, {7}, {4000}, IpProto::Udp}, out));
  ASSERT_EQ(out.size(), 1u);
  const auto u = wire::Udp::parse(out[0].packet.bytes());
  ASSERT_TRUE(u);
  EXPECT_EQ(u->src(), Port{4000});
  EXPECT_EQ(u->dst(), Port{7});
  EXPECT_EQ(as_text(u->payload()), "hello");
  EXPECT_EQ(count[Counter::udp_out], 1u);
  out.clear();
}

}  // namespace
}  // namespace sluice::udp
