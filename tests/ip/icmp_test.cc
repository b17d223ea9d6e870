// SPDX-License-Identifier: Apache-2.0
#include "ip/room.h"

namespace sluice::ip {
namespace {

using test::far;
using test::Octets;
using test::peer;
using test::us;

using IpIcmp = test::IpRoom;

Octets echo(test::Ip4Spec s, std::string_view text = "ping") {
  s.proto = IpProto::Icmp;
  return test::ip4(s, test::icmp(8, 0, 0x00070001, as_bytes(text)));
}

TEST_F(IpIcmp, answers_an_echo_request_with_what_it_said) {
  for (const std::string& text :
       {std::string{"ping"}, std::string{"odd"}, std::string{}, std::string(1472, 'x')}) {
    pass(echo({.tos = 0x10}, text));
    ASSERT_EQ(out.size(), 1u) << text.size();
    EXPECT_EQ(out[0].next_hop, IpAddr{peer});
    const auto ip = wire::Ip4::parse(out[0].packet.bytes());
    ASSERT_TRUE(ip);
    EXPECT_TRUE(ip->good_checksum());
    EXPECT_EQ(ip->src(), us);
    EXPECT_EQ(ip->dst(), peer);
    EXPECT_EQ(ip->ttl(), 64);
    EXPECT_EQ(ip->tos(), 0x10);
    const auto reply = wire::Icmp4::parse(ip->payload());
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->type(), wire::Icmp4Type::EchoReply);
    EXPECT_EQ(load_be<uint32_t>(ip->payload().data() + 4), 0x00070001u) << "identifier and sequence";
    EXPECT_EQ(as_text(reply->body()), text);
    out.clear();
  }
  EXPECT_EQ(count[Counter::icmp_echo], 4u);
}

TEST_F(IpIcmp, answers_from_the_address_that_was_asked_and_without_its_options) {
  pass(echo({.dst = test::us_wan, .options = {7, 7, 4, 0, 0, 0, 0, 0}}));
  ASSERT_EQ(out.size(), 1u);
  const auto ip = wire::Ip4::parse(out[0].packet.bytes());
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->src(), test::us_wan);
  EXPECT_EQ(ip->header_len(), 20u);
  EXPECT_TRUE(wire::Icmp4::parse(ip->payload()));
}

TEST_F(IpIcmp, counts_why_a_message_died) {
  const auto icmp4 = [](test::Ip4Spec s, const Octets& message) {
    s.proto = IpProto::Icmp;
    return test::ip4(s, message);
  };
  Octets wrong = test::icmp(8, 0, 0, as_bytes("text"));
  wrong.back() ^= 1;
  const Octets alien = test::udp4({.src = far, .dst = peer}, 1, 2, "somebody else's");
  const Octets ours = test::udp4({.src = us, .dst = far}, 1, 2, "text");
  const Octets tail = test::udp4({.src = us, .dst = far, .fragment = 0x0010}, 1, 2, "text");
  struct Case {
    const char* claim;
    Octets datagram;
    Counter why;
    Mac frame_to = test::our_mac;
  };
  const Case cases[] = {
      {"cut short", icmp4({}, Octets(7)), Counter::icmp_truncated},
      {"wrong checksum", icmp4({}, wrong), Counter::icmp_checksum},
      {"a reply to nothing", icmp4({}, test::icmp(0, 0, 0, {})), Counter::icmp_echo_reply},
      {"a timestamp request", icmp4({}, test::icmp(13, 0, 0, Octets(12))), Counter::icmp_unhandled},
      {"a redirect", icmp4({}, test::icmp(5, 1, 0, ours)), Counter::icmp_unhandled},
      {"a source quench", icmp4({}, test::icmp(4, 0, 0, ours)), Counter::icmp_unhandled},
      {"a ping to all", echo({.dst = Ip4Addr::of(198, 18, 0, 255)}), Counter::icmp_broadcast,
       Mac::broadcast()},
      {"an error about nothing", icmp4({}, test::icmp(3, 1, 0, {})), Counter::icmp_bad_quote},
      {"an error about others", icmp4({}, test::icmp(3, 1, 0, alien)), Counter::icmp_bad_quote},
      {"an error about a tail", icmp4({}, test::icmp(3, 1, 0, tail)), Counter::icmp_bad_quote},
      {"a quotation without ports", icmp4({}, test::icmp(3, 1, 0, Bytes{ours}.first(27))),
       Counter::icmp_bad_quote},
  };
  for (const Case& c : cases) {
    const uint64_t before = count[c.why], all = drops();
    pass(c.datagram, 0, c.frame_to);
    EXPECT_EQ(count[c.why], before + 1) << c.claim;
    EXPECT_EQ(drops(), all + 1) << c.claim;
    EXPECT_TRUE(nothing()) << c.claim;
  }
}

TEST_F(IpIcmp, an_error_about_a_datagram_of_ours_becomes_a_value) {
  Octets tcp(20);
  store_be<uint16_t>(tcp.data(), 80);
  store_be<uint16_t>(tcp.data() + 2, 4000);
  store_be<uint32_t>(tcp.data() + 4, 0xdeadbeef);
  const Octets sent = test::ip4({.src = us, .dst = far, .proto = IpProto::Tcp}, tcp);
  pass(test::ip4({.proto = IpProto::Icmp}, test::icmp(3, 4, 1280, Bytes{sent}.first(28))));
  ASSERT_EQ(errors.size(), 1u);
  const IcmpError& e = errors[0];
  EXPECT_EQ(e.tuple, (Tuple{far, us, {4000}, {80}, IpProto::Tcp}));
  EXPECT_EQ(e.type, wire::Icmp4Type::Unreachable);
  EXPECT_EQ(e.code, 4);
  EXPECT_EQ(e.mtu, 1280);
  EXPECT_EQ(e.sequence, 0xdeadbeef);
  EXPECT_EQ(count[Counter::icmp_error_in], 1u);
}

// RFC 1812 §4.3.2.7
TEST_F(IpIcmp, no_error_about_errors_broadcasts_and_tails) {
  options.follow_fragments = false;
  const auto icmp4 = [](uint8_t type) {
    return test::ip4({.dst = far, .proto = IpProto::Icmp, .ttl = 1}, test::icmp(type, 0, 0, Octets(28)));
  };
  for (const uint8_t type : {3, 4, 5, 11, 12}) pass(icmp4(type));
  pass(test::ip4({.dst = far, .proto = IpProto::Icmp, .ttl = 1}, {}));  // not even a type to be judged by
  pass(test::udp4({.dst = far, .ttl = 1, .fragment = 0x2001}, 1, 2, "tail"));
  EXPECT_TRUE(nothing());
  EXPECT_EQ(count[Counter::icmp_error_forbidden], 7u);
  EXPECT_EQ(count[Counter::ip_ttl], 7u);
  pass(icmp4(8));
  pass(test::udp4({.dst = far, .ttl = 1, .fragment = 0x2000}, 1, 2, "head"));
  EXPECT_EQ(out.size(), 2u) << "about a ping and about a first fragment there is";
  EXPECT_EQ(count[Counter::icmp_time_exceeded], 2u);
  // A datagram nobody listens to, sent to all.
  buf::Batch refused;
  input(test::udp4({.dst = Ip4Addr::of(198, 18, 0, 255)}, 1, 2, "x"), 0, Mac::broadcast());
  refused = std::move(in.udp);
  out.clear();
  room->refuse(refused, Refusal::Port, now, out);
  EXPECT_TRUE(out.empty());
}

TEST_F(IpIcmp, refuses_ports_and_protocols_from_the_address_that_was_asked) {
  input(test::udp4({.dst = test::us_wan}, 1, 2, "nobody listens"));
  room->refuse(in.udp, Refusal::Port, now, out);
  pass(test::ip4({.proto = static_cast<IpProto>(132)}, Octets(12)));
  ASSERT_EQ(out.size(), 2u);
  const auto port = wire::Ip4::parse(out[0].packet.bytes());
  EXPECT_EQ(port->src(), test::us_wan);
  EXPECT_EQ(wire::Icmp4::parse(port->payload())->code(), 3);
  const auto protocol = wire::Ip4::parse(out[1].packet.bytes());
  EXPECT_EQ(wire::Icmp4::parse(protocol->payload())->code(), 2);
  EXPECT_EQ(count[Counter::ip_protocol], 1u);
}

TEST_F(IpIcmp, quotes_as_much_as_576_octets_hold) {
  pass(test::udp4({.dst = far, .ttl = 1}, 1, 2, std::string(1400, 'x')));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].packet.size(), 576u);
  EXPECT_TRUE(wire::Icmp4::parse(wire::Ip4::parse(out[0].packet.bytes())->payload()));
}

TEST_F(IpIcmp, tells_the_sender_about_a_silent_next_hop_but_not_itself) {
  pass(test::udp4({.dst = far}, 1, 2, "text"));
  ASSERT_EQ(out.size(), 1u);
  buf::Egresses failed, answers;
  failed.push(std::move(out[0]));
  buf::Packet own = test::packet_of(test::udp4({.src = us, .dst = far}, 1, 2, "ours"));
  own.headers(0, 20, 8);
  failed.push(buf::Egress{std::move(own), 1, far});
  room->refuse(failed, now, answers);
  EXPECT_TRUE(failed.empty());
  ASSERT_EQ(answers.size(), 1u);
  const auto ip = wire::Ip4::parse(answers[0].packet.bytes());
  EXPECT_EQ(ip->dst(), peer);
  EXPECT_EQ(wire::Icmp4::parse(ip->payload())->code(), 1);
}

TEST_F(IpIcmp, errors_are_limited_to_rate_and_burst) {
  options.icmp_error_rate = 100;
  options.icmp_error_burst = 50;
  rebuild();
  const auto flood = [&](int n) {
    const uint64_t before = count[Counter::icmp_time_exceeded];
    for (int i = 0; i < n; ++i) {
      pass(test::udp4({.dst = far, .ttl = 1}, 1, 2, ""));
      out.clear();
    }
    return count[Counter::icmp_time_exceeded] - before;
  };
  // Each costs 0, 1 or 2 tokens by chance, one on average.
  EXPECT_NEAR(static_cast<double>(flood(1000)), 50, 25);
  EXPECT_EQ(flood(1000), 0u);
  now = now + 200_ms;
  EXPECT_NEAR(static_cast<double>(flood(1000)), 20, 15);
  now = now + 3600_s;
  EXPECT_NEAR(static_cast<double>(flood(1000)), 50, 25) << "an hour's rest saves up a burst, no more";
  EXPECT_EQ(count[Counter::icmp_time_exceeded] + count[Counter::icmp_error_limited], 4000u);
  EXPECT_EQ(count[Counter::ip_ttl], 4000u) << "the packets die of their own reason";
}

}  // namespace
}  // namespace sluice::ip
