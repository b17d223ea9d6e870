// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <vector>

#include "wire/arp.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/udp.h"

namespace sluice::wire {
namespace {

using Octets = std::vector<uint8_t>;

// The example header that many texts use: 192.168.0.1 to 192.168.0.199, UDP, checksum b861.
Octets header() {
  return {0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7};
}
Octets datagram() {
  Octets b = header();
  b.resize(0x73);
  return b;
}

TEST(Ip4, reads_every_field) {
  const Octets b = datagram();
  const auto ip = Ip4::parse(b);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->header_len(), 20u);
  EXPECT_EQ(ip->total_length(), 0x73u);
  EXPECT_TRUE(ip->dont_fragment());
  EXPECT_FALSE(ip->is_fragment());
  EXPECT_EQ(ip->ttl(), 64);
  EXPECT_EQ(ip->proto(), 17);
  EXPECT_EQ(ip->src(), Ip4Addr::of(192, 168, 0, 1));
  EXPECT_EQ(ip->dst(), Ip4Addr::of(192, 168, 0, 199));
  EXPECT_EQ(ip->payload().size(), 0x73u - 20);
  EXPECT_TRUE(ip->good_checksum());
}

TEST(Ip4, names_what_is_wrong) {
  struct Case {
    const char* claim;
    size_t at;
    uint8_t value;
    size_t size;
    Counter why;
  };
  const Case cases[] = {
      {"a header cut short", 0, 0x45, 19, Counter::ip_truncated},
      {"nothing at all", 0, 0x45, 0, Counter::ip_truncated},
      {"version 6", 0, 0x65, 0x73, Counter::ip_version},
      {"version 0", 0, 0x05, 0x73, Counter::ip_version},
      {"a header of 16 octets", 0, 0x44, 0x73, Counter::ip_length},
      {"a total length of 19", 3, 19, 0x73, Counter::ip_length},
      {"a header longer than the datagram", 0, 0x4f, 0x73, Counter::ip_truncated},
      {"one octet more than there is", 3, 0x74, 0x73, Counter::ip_truncated},
  };
  for (const Case& c : cases) {
    Octets b = datagram();
    b[c.at] = c.value;
    if (c.value == 0x4f) b[3] = 60, b.resize(59);
    b.resize(std::min(b.size(), c.size));
    const auto ip = Ip4::parse(b);
    ASSERT_FALSE(ip) << c.claim;
    EXPECT_EQ(ip.why(), c.why) << c.claim;
  }
}

TEST(Ip4, one_wrong_bit_breaks_the_checksum) {
  for (size_t bit = 0; bit < 160; ++bit) {
    Octets b = datagram();
    b[bit / 8] = static_cast<uint8_t>(b[bit / 8] ^ 1u << bit % 8);
    const auto ip = Ip4::parse(b);
    if (!ip || ip->header_len() != 20) continue;
    EXPECT_FALSE(ip->good_checksum()) << bit;
  }
}

TEST(Ip4, a_hop_less_keeps_the_checksum_right_for_every_ttl_and_protocol) {
  for (unsigned ttl = 1; ttl < 256; ++ttl)
    for (unsigned proto = 0; proto < 256; proto += 5) {
      Octets b(20);
      Ip4::emit(b.data(), {.total_length = 20,
                           .id = static_cast<uint16_t>(ttl * 257 + proto),
                           .ttl = static_cast<uint8_t>(ttl),
                           .proto = static_cast<uint8_t>(proto),
                           .src = Ip4Addr::of(10, 0, 0, 1)});
      Ip4::decrement_ttl(b.data());
      const auto ip = Ip4::parse(b);
      ASSERT_TRUE(ip);
      EXPECT_EQ(ip->ttl(), ttl - 1);
      EXPECT_TRUE(ip->good_checksum()) << ttl << " " << proto;
    }
}

TEST(Ip4Options, are_walked_to_their_end_or_refused) {
  struct Case {
    const char* claim;
    Octets options;
    bool good, source_route;
  };
  const Case cases[] = {
      {"none", {}, true, false},
      {"padding", {1, 1, 1, 0}, true, false},
      {"record route", {7, 7, 4, 0, 0, 0, 0, 0}, true, false},
      {"what follows the end does not count", {0, 131, 3, 4}, true, false},
      {"loose source route", {1, 131, 3, 4}, true, true},
      {"strict source route", {137, 3, 4, 0}, true, true},
      {"length 0 would never end", {7, 0, 0, 0}, false, false},
      {"length 1 would not move", {7, 1, 0, 0}, false, false},
      {"longer than the header", {7, 5, 4, 0}, false, false},
      {"a type without its length", {1, 1, 1, 7}, false, false},
  };
  for (const Case& c : cases) {
    const auto o = Ip4Options::parse(c.options);
    ASSERT_EQ(static_cast<bool>(o), c.good) << c.claim;
    if (o)
      EXPECT_EQ(o->source_route, c.source_route) << c.claim;
    else
      EXPECT_EQ(o.why(), Counter::ip_bad_option) << c.claim;
  }
}

TEST(Arp, is_read_as_it_was_written) {
  const Arp::Value v{ArpOp::Reply, Mac{{2, 0, 0, 0, 0, 1}}, Ip4Addr::of(198, 18, 0, 1),
                     Mac{{2, 0, 0, 0, 0, 2}}, Ip4Addr::of(198, 18, 0, 2)};
  Octets b(28);
  Arp::emit(b.data(), v);
  const Octets wire{0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 1, 198, 18, 0, 1, 2, 0, 0, 0, 0, 2, 198, 18, 0, 2};
  EXPECT_EQ(b, wire);
  b.resize(46);  // as Ethernet pads it
  const auto arp = Arp::parse(b);
  ASSERT_TRUE(arp);
  EXPECT_EQ(arp->value(), v);
}

TEST(Arp, refuses_other_hardware_protocols_and_operations) {
  const Octets good{0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 198, 18, 0, 1, 0, 0, 0, 0, 0, 0, 198, 18, 0, 2};
  EXPECT_TRUE(Arp::parse(good));
  const std::pair<size_t, uint8_t> wrong[] = {{1, 6}, {2, 0x86}, {4, 8}, {5, 16}, {7, 0}, {7, 3}, {6, 1}};
  for (const auto& [at, value] : wrong) {
    Octets b = good;
    b[at] = value;
    const auto arp = Arp::parse(b);
    ASSERT_FALSE(arp) << at;
    EXPECT_EQ(arp.why(), Counter::arp_format);
  }
  const auto cut = Arp::parse(Bytes{good}.first(27));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.why(), Counter::arp_truncated);
}

TEST(Icmp4, checks_length_and_checksum) {
  Octets b{8, 0, 0, 0, 0x12, 0x34, 0, 1, 'h', 'i', '!'};  // odd length
  store_be<uint16_t>(b.data() + 2, Sum{}.add(b).checksum());
  const auto echo = Icmp4::parse(b);
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->type(), Icmp4Type::Echo);
  EXPECT_EQ(as_text(echo->body()), "hi!");
  Icmp4::echo_to_reply(b);
  const auto reply = Icmp4::parse(b);
  ASSERT_TRUE(reply) << "the checksum follows";
  EXPECT_EQ(reply->type(), Icmp4Type::EchoReply);
  b[10] = '?';
  const auto bad = Icmp4::parse(b);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.why(), Counter::icmp_checksum);
  const auto cut = Icmp4::parse(Bytes{b}.first(7));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.why(), Counter::icmp_truncated);
}

// Found by fuzzing: code, identifier, sequence number and data may all be 0, and so may the type of a reply.
TEST(Icmp4, a_reply_of_zeros_only_has_a_right_checksum) {
  for (const uint16_t id :
       {0x0000, 0x0001, 0xf7ff, 0xffff}) {  // the update gives 0 for the first and the last
    uint8_t b[] = {8, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    store_be<uint16_t>(b + 4, id);
    store_be<uint16_t>(b + 2, Sum{}.add(b).checksum());
    Icmp4::echo_to_reply(b);
    EXPECT_TRUE(Icmp4::parse(b)) << id;
    EXPECT_EQ(b[0], 0);
    const auto field = load_be<uint16_t>(b + 2);
    store_be<uint16_t>(b + 2, 0);
    EXPECT_EQ(field, Sum{}.add(b).checksum()) << id;
  }
}

TEST(Udp, takes_the_length_it_says_and_no_more_than_there_is) {
  Octets b(20);
  Udp::emit(b.data(), {1000}, {53}, 12);
  const auto u = Udp::parse(b);
  ASSERT_TRUE(u);
  EXPECT_EQ(u->dst(), Port{53});
  EXPECT_EQ(u->payload().size(), 4u);
  struct Case {
    uint16_t length;
    size_t size;
    Counter why;
  };
  for (const Case& c : {Case{12, 7, Counter::udp_truncated}, Case{7, 20, Counter::udp_length},
                        Case{0, 20, Counter::udp_length}, Case{21, 20, Counter::udp_length}}) {
    Udp::emit(b.data(), {1000}, {53}, c.length);
    const auto bad = Udp::parse(Bytes{b}.first(c.size));
    ASSERT_FALSE(bad) << c.length;
    EXPECT_EQ(bad.why(), c.why);
  }
}

}  // namespace
}  // namespace sluice::wire
