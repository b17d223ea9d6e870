// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "wire/icmp6.h"
#include "wire/ip6.h"
#include "wire/ip6_ext.h"
#include "wire/mld.h"
#include "wire/nd.h"

namespace sluice::wire {
namespace {

using Octets = std::vector<uint8_t>;

constexpr Ip6Addr us = Ip6Addr::of(0x2001, 2, 0, 0, 0, 0, 0, 1);
constexpr Ip6Addr peer = Ip6Addr::of(0x2001, 2, 0, 0, 0, 0, 0, 2);
constexpr Mac mac{{2, 0, 0, 0x12, 0x34, 0x56}};

static_assert(us.solicited_node() == Ip6Addr::of(0xff02, 0, 0, 0, 0, 1, 0xff00, 1));
static_assert(Ip6Addr::of(0xfe80, 0, 0, 0, 0, 0, 0, 1).is_link_local() && !us.is_link_local());
static_assert(Ip6Addr::all_nodes().is_multicast() && Ip6Addr::all_nodes().multicast_scope() == 2);
static_assert(IpAddr{Ip4Addr{1}}.v6().is_v4_mapped() && !us.is_v4_mapped());
static_assert(mac.eui64() == 0x0000'00ff'fe12'3456);
static_assert(Mac::ip6_group(0xff00'0001) == Mac{{0x33, 0x33, 0xff, 0, 0, 1}});

// A packet: the fixed header, which names `first`, and `rest`.
Octets packet(uint8_t first, const Octets& rest) {
  Octets b(Ip6::header_len + rest.size());
  std::ranges::copy(rest, b.begin() + Ip6::header_len);
  Ip6::emit(b.data(), {.traffic_class = 0xb9,
                       .flow_label = 0x12345,
                       .payload_length = static_cast<uint16_t>(rest.size()),
                       .next_header = first,
                       .hop_limit = 63,
                       .src = peer,
                       .dst = us});
  return b;
}
Octets operator+(Octets a, const Octets& b) {
  const size_t n = a.size();
  a.resize(n + b.size());
  std::ranges::copy(b, a.begin() + static_cast<ptrdiff_t>(n));
  return a;
}

TEST(Ip6, reads_what_was_written) {
  Octets b = packet(17, Octets(12, 7));
  b.resize(60);  // padding
  const auto ip = Ip6::parse(b);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->traffic_class(), 0xb9);
  EXPECT_EQ(ip->flow_label(), 0x12345u);
  EXPECT_EQ(ip->payload_length(), 12u);
  EXPECT_EQ(ip->total_length(), 52u);
  EXPECT_EQ(ip->next_header(), 17);
  EXPECT_EQ(ip->hop_limit(), 63);
  EXPECT_EQ(ip->src(), peer);
  EXPECT_EQ(ip->dst(), us);
  EXPECT_EQ(ip->payload().size(), 12u);
  Ip6::decrement_hop_limit(b.data());
  EXPECT_EQ(Ip6::parse(b)->hop_limit(), 62);
}

TEST(Ip6, names_what_is_wrong) {
  const Octets good = packet(17, Octets(12));
  EXPECT_EQ(Ip6::parse(Bytes{good}.first(39)).why(), Counter::ip6_truncated);
  EXPECT_EQ(Ip6::parse(Bytes{good}.first(51)).why(), Counter::ip6_truncated);
  EXPECT_TRUE(Ip6::parse_header(Bytes{good}.first(40)));
  Octets four = good;
  four[0] = 0x45;
  EXPECT_EQ(Ip6::parse(four).why(), Counter::ip6_version);
}

// Extension headers for the table below. `next` is the header that follows.
Octets options(uint8_t next, Octets tlvs) {
  while ((tlvs.size() + 2) % 8 != 0) tlvs.push_back(0);
  return Octets{next, static_cast<uint8_t>((tlvs.size() + 2) / 8 - 1)} + tlvs;
}
Octets routing(uint8_t next, uint8_t type, uint8_t left) { return {next, 0, type, left, 0, 0, 0, 0}; }
Octets fragment(uint8_t next, uint16_t offset, bool more) {
  Octets b(8);
  Ip6Fragment::emit(b.data(), next, offset, more, 0xabcdef01);
  return b;
}
const Octets udp(8);

TEST(Ip6Extensions, are_walked_to_the_upper_layer) {
  struct Case {
    const char* claim;
    uint8_t first;
    Octets rest;
    uint8_t proto;
    size_t upper_at, proto_at;
    bool router_alert = false, fragmented = false;
  };
  const Case cases[] = {
      {"none", 17, udp, 17, 40, 6},
      {"no next header", 59, {}, 59, 40, 6},
      {"an unknown protocol is the upper layer", 200, udp, 200, 40, 6},
      {"hop-by-hop with a router alert", 0, options(17, {5, 2, 0, 0}) + udp, 17, 48, 40, true},
      {"destination options, one to be skipped when unknown", 60, options(17, {0x1e, 1, 9}) + udp, 17, 48,
       40},
      {"a routing header that is used up, even type 0", 43, routing(17, 0, 0) + udp, 17, 48, 40},
      {"hop-by-hop, destination, routing, destination", 0,
       options(60, {}) + options(43, {}) + routing(60, 3, 0) + options(17, {1, 4, 0, 0, 0, 0}) + udp, 17, 72,
       64},
      {"an atomic fragment", 44, fragment(17, 0, false) + udp, 17, 48, 40, false, true},
      {"a first fragment", 44, fragment(17, 0, true) + udp, 17, 48, 40, false, true},
      {"behind a later fragment nothing is read", 44, fragment(60, 1480, false) + Octets{0xff, 0xff, 1, 2, 3},
       60, 48, 40, false, true},
  };
  for (const Case& c : cases) {
    const Octets b = packet(c.first, c.rest);
    Ip6Chain chain;
    const auto problem = walk_extensions(b, {}, chain);
    ASSERT_FALSE(problem) << c.claim;
    EXPECT_EQ(chain.proto, c.proto) << c.claim;
    EXPECT_EQ(chain.upper_at, c.upper_at) << c.claim;
    EXPECT_EQ(chain.proto_at, c.proto_at) << c.claim;
    EXPECT_EQ(chain.router_alert, c.router_alert) << c.claim;
    EXPECT_EQ(chain.fragmented, c.fragmented) << c.claim;
  }
}

TEST(Ip6Extensions, a_fragment_header_is_read) {
  const Octets b = packet(0, options(44, {}) + fragment(6, 1448, true) + Octets(8));
  Ip6Chain chain;
  ASSERT_FALSE(walk_extensions(b, {}, chain));
  EXPECT_EQ(chain.fragment.at, 48);
  EXPECT_EQ(chain.fragment.next_at, 40);
  EXPECT_EQ(chain.fragment.next_header, 6);
  EXPECT_EQ(chain.fragment.offset, 1448);
  EXPECT_TRUE(chain.fragment.more);
  EXPECT_FALSE(chain.fragment.atomic());
  EXPECT_EQ(chain.fragment.id, 0xabcdef01u);
}

TEST(Ip6Extensions, what_is_wrong_is_named_and_told_as_the_rfc_says) {
  Octets many_options;
  for (int i = 0; i < 17; ++i) many_options = many_options + Octets{0x1e, 0};
  Octets chain_of_nine;
  for (int i = 0; i < 9; ++i) chain_of_nine = chain_of_nine + options(60, {});
  struct Case {
    const char* claim;
    uint8_t first;
    Octets rest;
    Counter why;
    bool tell = false, of_group = false;
    uint8_t code = 0;
    uint16_t pointer = 0;
  };
  const Case cases[] = {
      {"hop-by-hop behind another header", 60, options(0, {}) + options(17, {}) + udp, Counter::ip6_misplaced,
       true, false, 1, 40},
      {"a second fragment header", 44, fragment(44, 0, true) + fragment(17, 0, true) + udp,
       Counter::ip6_misplaced, true, false, 1, 40},
      {"a header that goes on past the packet", 60, {17, 1, 0, 0, 0, 0, 0, 0}, Counter::ip6_ext_truncated},
      {"half a header", 60, {17, 0, 1, 4}, Counter::ip6_ext_truncated},
      {"nine headers", 60, chain_of_nine + udp, Counter::ip6_too_many},
      {"a header of 2 KiB", 60, Octets{17, 255} + Octets(2046, 0x1e), Counter::ip6_too_many},
      {"seventeen options", 60, options(17, many_options) + udp, Counter::ip6_too_many},
      {"an option longer than its header", 60, {17, 0, 0x1e, 5, 0, 0, 0, 0}, Counter::ip6_bad_option},
      {"an option's type without a length", 60, {17, 0, 0x1e, 3, 0, 0, 0, 0x1e}, Counter::ip6_bad_option},
      {"nine octets of padding", 60, options(17, {1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) + udp,
       Counter::ip6_padding},
      {"unknown, drop silently", 60, options(17, {0x5e, 0}) + udp, Counter::ip6_unknown_option, false, false,
       2, 42},
      {"unknown, tell always", 60, options(17, {0x9e, 0}) + udp, Counter::ip6_unknown_option, true, true, 2,
       42},
      {"unknown, tell unless to a group", 60, options(17, {0x1e, 0, 0xde, 0}) + udp,
       Counter::ip6_unknown_option, true, false, 2, 44},
      {"a jumbogram", 0, options(17, {0xc2, 4, 0, 1, 0, 0}) + udp, Counter::ip6_jumbogram},
      {"routing type 0 with a segment left", 43, routing(17, 0, 1) + udp, Counter::ip6_routing, true, false,
       0, 42},
      {"routing type 250 with a segment left", 43, routing(17, 250, 1) + udp, Counter::ip6_routing, true,
       false, 0, 42},
  };
  for (const Case& c : cases) {
    const Octets b = packet(c.first, c.rest);
    Ip6Chain chain;
    const auto problem = walk_extensions(b, {}, chain);
    ASSERT_TRUE(problem) << c.claim;
    EXPECT_EQ(problem->why, c.why) << c.claim;
    EXPECT_EQ(problem->tell, c.tell) << c.claim;
    EXPECT_EQ(problem->tell_of_group, c.of_group) << c.claim;
    if (!c.tell) continue;
    EXPECT_EQ(problem->code, c.code) << c.claim;
    EXPECT_EQ(problem->pointer, c.pointer) << c.claim;
  }
}

TEST(Icmp6, covers_the_pseudo_header) {
  Octets b{128, 0, 0, 0, 0x12, 0x34, 0, 1, 'h', 'i', '!'};
  Icmp6::seal(b, peer, us);
  const auto echo = Icmp6::parse(b, peer, us);
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->type(), Icmp6Type::Echo);
  EXPECT_EQ(as_text(echo->body()), "hi!");
  EXPECT_EQ(Icmp6::parse(b, us, us).why(), Counter::icmp6_checksum);
  EXPECT_EQ(Icmp6::parse(Bytes{b}.first(7), peer, us).why(), Counter::icmp6_truncated);
  Icmp6::echo_to_reply(b);
  Icmp6::seal(b, us, peer);
  ASSERT_TRUE(Icmp6::parse(b, us, peer));
  EXPECT_EQ(Icmp6::parse(b, us, peer)->type(), Icmp6Type::EchoReply);
}

TEST(Nd, solicitations_and_advertisements_are_read_as_written) {
  const NeighbourSolicitationValue ask{.target = us, .source = mac, .nonce = 0x0102'0304'0506};
  Octets b(ask.size());
  emit(b.data(), ask);
  auto m = NeighbourMessage::parse(b);
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->is_solicitation());
  EXPECT_EQ(m->target(), us);
  EXPECT_EQ(m->options().source, mac);
  EXPECT_EQ(m->options().nonce, 0x0102'0304'0506u);
  EXPECT_FALSE(m->options().target);

  const NeighbourAdvertisementValue answer{
      .router = true, .solicited = false, .override_ = true, .target = us, .mac = mac};
  b.assign(answer.size(), 0xee);
  emit(b.data(), answer);
  m = NeighbourMessage::parse(b);
  ASSERT_TRUE(m);
  EXPECT_FALSE(m->is_solicitation());
  EXPECT_TRUE(m->router());
  EXPECT_FALSE(m->solicited());
  EXPECT_TRUE(m->override_());
  EXPECT_EQ(m->options().target, mac);
}

TEST(Nd, refuses_what_rfc_4861_calls_invalid) {
  Octets b(32);
  emit(b.data(), NeighbourSolicitationValue{.target = us, .source = mac});
  EXPECT_EQ(NeighbourMessage::parse(Bytes{b}.first(23)).why(), Counter::nd_truncated);
  Octets zero = b;
  zero[25] = 0;
  EXPECT_EQ(NeighbourMessage::parse(zero).why(), Counter::nd_bad_option) << "an option of length 0";
  Octets longer = b;
  longer[25] = 2;
  EXPECT_EQ(NeighbourMessage::parse(longer).why(), Counter::nd_bad_option) << "an option past the end";
  Octets group = b;
  Ip6Addr::all_nodes().store(group.data() + 8);
  EXPECT_EQ(NeighbourMessage::parse(group).why(), Counter::nd_bad_target);
  Octets unknown = b;
  unknown[24] = 200;
  ASSERT_TRUE(NeighbourMessage::parse(unknown)) << "unknown options are skipped";
  EXPECT_FALSE(NeighbourMessage::parse(unknown)->options().source);
}

TEST(Nd, a_router_advertisement_is_read_as_written) {
  const RouterAdvertisement::Value v{
      .hop_limit = 64, .managed = true, .preference = 3, .lifetime = 900, .retrans = 1000};
  const PrefixInformation prefix{
      .prefix = Ip6Addr::of(0x2001, 2, 0, 0, 0, 0, 0, 0), .valid = 600, .preferred = 300};
  const std::vector<Ip6Addr> servers{us, peer};
  Octets b(200);
  RouterAdvertisement::emit(b.data(), v);
  size_t n = RouterAdvertisement::len;
  n += RouterAdvertisement::emit_source(b.data() + n, mac);
  n += RouterAdvertisement::emit_mtu(b.data() + n, 1480);
  prefix.store(b.data() + n);
  n += PrefixInformation::len;
  n += RouterAdvertisement::emit_rdnss(b.data() + n, 1200, servers);
  b.resize(n);
  const auto ra = RouterAdvertisement::parse(b);
  ASSERT_TRUE(ra);
  EXPECT_EQ(ra->value().lifetime, 900);
  EXPECT_EQ(ra->value().preference, 3);
  EXPECT_TRUE(ra->value().managed);
  EXPECT_FALSE(ra->value().other);
  EXPECT_EQ(ra->value().retrans, 1000u);
  std::string seen;
  for_each_nd_option(ra->options(), [&](NdOption type, Bytes o) {
    seen += std::to_string(static_cast<int>(type)) + " ";
    if (type == NdOption::Mtu) {
      EXPECT_EQ(load_be<uint32_t>(o.data() + 4), 1480u);
    } else if (type == NdOption::PrefixInformation) {
      EXPECT_EQ(PrefixInformation::load(o), prefix);
    } else if (type == NdOption::Rdnss) {
      EXPECT_EQ(o.size(), 40u);
    }
  });
  EXPECT_EQ(seen, "1 5 3 25 ");
}

TEST(Mld, queries_of_both_versions_are_understood) {
  Octets b(28);
  b[0] = 130;
  store_be<uint16_t>(b.data() + 4, 1000);
  us.solicited_node().store(b.data() + 8);
  EXPECT_EQ(MldQuery::parse(b)->max_response_ms(), 1000u);
  EXPECT_EQ(MldQuery::parse(b)->group(), us.solicited_node());
  EXPECT_FALSE(MldQuery::parse(b)->version_1());
  store_be<uint16_t>(b.data() + 4, 0x8000);  // RFC 3810 §5.1.3: (0 | 0x1000) << 3
  EXPECT_EQ(MldQuery::parse(b)->max_response_ms(), 32768u);
  EXPECT_TRUE(MldQuery::parse(Bytes{b}.first(24))->version_1());
  EXPECT_EQ(MldQuery::parse(Bytes{b}.first(24))->max_response_ms(), 0x8000u);
  EXPECT_EQ(MldQuery::parse(Bytes{b}.first(26)).why(), Counter::mld_truncated);
  EXPECT_EQ(MldQuery::parse(Bytes{b}.first(23)).why(), Counter::mld_truncated);
}

TEST(Mld, a_report_names_its_groups) {
  const std::vector<Ip6Addr> groups{us.solicited_node(), peer.solicited_node()};
  Octets b(Mld2Report::size(2));
  Mld2Report::emit(b.data(), Mld2Report::Record::ToExclude, groups);
  EXPECT_EQ(b[0], 143);
  EXPECT_EQ(load_be<uint16_t>(b.data() + 6), 2);
  EXPECT_EQ(b[8], 4);
  EXPECT_EQ(Ip6Addr::load(b.data() + 12), groups[0]);
  EXPECT_EQ(Ip6Addr::load(b.data() + 32), groups[1]);
  Octets alert(8);
  emit_mld_hop_by_hop(alert.data());
  EXPECT_EQ(alert, (Octets{58, 0, 5, 2, 0, 0, 1, 0}));
}

}  // namespace
}  // namespace sluice::wire
