// SPDX-License-Identifier: Apache-2.0
#include "app/load/frame.h"

#include <gtest/gtest.h>

#include "app/load/numbers.h"
#include "base/rng.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tuple.h"
#include "wire/udp.h"

namespace sluice::load {
namespace {

constexpr Mac ours{{2, 0, 0, 0, 0, 1}}, peers{{2, 0, 0, 0, 0, 2}};
struct Kind {
  Carrier carrier;
  bool four;
  uint16_t least() const { return Frame::least(carrier, four); }
  Frame frame(uint16_t size) const { return {carrier, four, size, ours, peers}; }
};
constexpr Kind kinds[] = {{Carrier::Udp, true},  {Carrier::Echo, true},  {Carrier::Bare, true},
                          {Carrier::Udp, false}, {Carrier::Echo, false}, {Carrier::Bare, false}};

using Octets = std::vector<uint8_t>;

IpAddr some_address(bool four, Rng& rng) {
  if (four) return Ip4Addr{static_cast<uint32_t>(rng())};
  return address_of(Number{0x2001} << 112 | rng());
}
Frame::Place some_place(bool four, Rng& rng) {
  return {some_address(four, rng),
          some_address(four, rng),
          {static_cast<uint16_t>(rng())},
          {static_cast<uint16_t>(rng())}};
}
Stamp some_stamp(Rng& rng) { return {static_cast<uint32_t>(rng()), static_cast<uint32_t>(rng()), rng()}; }

Octets written(const Frame& f, const Frame::Place& p, const Stamp& s) {
  Octets b(f.length());
  f.write(b.data(), p, s);
  return b;
}

// As any host would read it: every header and every checksum.
void expect_proper(Carrier c, bool four, const Octets& b, const Frame::Place& p) {
  const auto eth = *wire::Ethernet::parse(b);
  EXPECT_EQ(eth.dst(), peers);
  EXPECT_EQ(eth.src(), ours);
  Bytes carried;
  uint8_t proto = 0;
  if (four) {
    const auto ip = wire::Ip4::parse(Bytes{b}.subspan(14));
    ASSERT_TRUE(ip);
    EXPECT_TRUE(ip->good_checksum());
    EXPECT_EQ(ip->total_length() + 14, b.size());
    EXPECT_EQ(IpAddr{ip->src()}, p.src);
    EXPECT_EQ(IpAddr{ip->dst()}, p.dst);
    carried = ip->payload();
    proto = ip->proto();
  } else {
    const auto ip = wire::Ip6::parse(Bytes{b}.subspan(14));
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->total_length() + 14, b.size());
    EXPECT_EQ(ip->hop_limit(), 64);
    EXPECT_EQ(IpAddr{ip->src()}, p.src);
    EXPECT_EQ(IpAddr{ip->dst()}, p.dst);
    carried = ip->payload();
    proto = ip->next_header();
  }
  if (c == Carrier::Udp) {
    ASSERT_EQ(proto, 17);
    const auto udp = wire::Udp::parse(carried);
    ASSERT_TRUE(udp);
    EXPECT_EQ(udp->src(), p.src_port);
    EXPECT_EQ(udp->dst(), p.dst_port);
    EXPECT_NE(udp->checksum(), 0);
    EXPECT_EQ(wire::pseudo_header(p.src, p.dst, 17, static_cast<uint32_t>(udp->whole().size()))
                  .add(udp->whole())
                  .folded(),
              0xffff);
  } else if (c == Carrier::Echo && four) {
    ASSERT_EQ(proto, 1);
    const auto icmp = wire::Icmp4::parse(carried);  // its checksum too
    ASSERT_TRUE(icmp);
    EXPECT_EQ(icmp->type(), wire::Icmp4Type::Echo);
  } else if (c == Carrier::Echo) {
    ASSERT_EQ(proto, 58);
    const auto icmp = wire::Icmp6::parse(carried, p.src.v6(), p.dst.v6());  // its checksum too
    ASSERT_TRUE(icmp);
    EXPECT_EQ(icmp->type(), wire::Icmp6Type::Echo);
  } else {
    EXPECT_EQ(proto, 253);
  }
}

TEST(Frame, is_proper_at_every_size_and_found_again) {
  Rng rng{1};
  for (const Kind& k : kinds)
    for (const uint16_t size : {0, 1, 128, 1279, 1518})
      for (int i = 0; i < 50; ++i) {
        const uint16_t octets = size < 2 ? static_cast<uint16_t>(k.least() + size) : size;
        const Frame f = k.frame(octets);
        const auto place = some_place(k.four, rng);
        const Stamp stamp = some_stamp(rng);
        const Octets b = written(f, place, stamp);
        ASSERT_EQ(b.size() + Frame::check_sequence, octets);
        expect_proper(k.carrier, k.four, b, place);
        Stamp found;
        ASSERT_EQ(f.look(b, found), Frame::Verdict::Ours);
        EXPECT_EQ(found.flow, stamp.flow);
        EXPECT_EQ(found.number, stamp.number);
        EXPECT_EQ(found.time, stamp.time);
      }
}

TEST(Frame, the_smallest_ethernet_frame_holds_every_carrier_of_ip4) {
  for (const Kind& k : kinds) EXPECT_EQ(k.least(), k.four ? 64 : k.carrier == Carrier::Bare ? 76 : 84);
}

// What a router, a translator and an echoing host do to it is no damage.
TEST(Frame, is_still_ours_after_a_router_a_translator_and_an_echo) {
  Rng rng{2};
  Stamp found;
  for (const Kind& k : kinds) {
    const Frame f = k.frame(128);
    Octets b = written(f, some_place(k.four, rng), some_stamp(rng));
    if (k.four)
      wire::Ip4::decrement_ttl(b.data() + 14);
    else
      wire::Ip6::decrement_hop_limit(b.data() + 14);
    EXPECT_EQ(f.look(b, found), Frame::Verdict::Ours) << "routed";
  }
  for (const bool four : {true, false}) {
    const size_t address = four ? 4 : 16, addresses = four ? 26 : 22, l4 = four ? 34 : 54;
    const Frame udp{Carrier::Udp, four, 128, ours, peers};
    Octets b = written(udp, some_place(four, rng), some_stamp(rng));
    Octets swapped = b;
    std::swap_ranges(swapped.begin() + addresses, swapped.begin() + addresses + address,
                     swapped.begin() + addresses + address);
    std::swap_ranges(swapped.begin() + l4, swapped.begin() + l4 + 2, swapped.begin() + l4 + 2);
    EXPECT_EQ(udp.look(swapped, found), Frame::Verdict::Ours) << "swapped";
    b[l4 + 6] = b[l4 + 7] = 0;
    EXPECT_EQ(udp.look(b, found), four ? Frame::Verdict::Ours : Frame::Verdict::Damaged)
        << "without a UDP checksum, which IPv6 does not allow";

    const Frame echo{Carrier::Echo, four, 128, ours, peers};
    Octets reply = written(echo, some_place(four, rng), some_stamp(rng));
    if (four) {
      wire::Icmp4::echo_to_reply(MutBytes{reply}.subspan(l4));
    } else {
      reply[l4] = static_cast<uint8_t>(wire::Icmp6Type::EchoReply);
      store_be(reply.data() + l4 + 2, wire::update(load_be<uint16_t>(reply.data() + l4 + 2), 0x8000, 0x8100));
    }
    EXPECT_EQ(echo.look(reply, found), Frame::Verdict::Ours) << "answered";
  }
}

TEST(Frame, one_bit_that_changed_anywhere_is_noticed) {
  Rng rng{3};
  // What routers change of IPv6's header (traffic class, hop limit), and what nothing in a bare packet
  // covers.
  const auto uncovered = [](const Kind& k, size_t bit) {
    if (k.four) return false;
    return (bit / 8 == 14 && bit % 8 < 4) || (bit / 8 == 15 && bit % 8 >= 4) || bit / 8 == 21 ||
           (k.carrier == Carrier::Bare && bit / 8 >= 22 && bit / 8 < 54);
  };
  for (const Kind& k : kinds)
    for (const uint16_t size : {k.least(), uint16_t{256}}) {
      const Frame f = k.frame(size);
      const Octets good = written(f, some_place(k.four, rng), some_stamp(rng));
      for (size_t bit = 14 * 8; bit < good.size() * 8; ++bit) {
        if (uncovered(k, bit)) continue;
        Octets b = good;
        b[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
        Stamp found;
        ASSERT_NE(f.look(b, found), Frame::Verdict::Ours) << size << " octet " << bit / 8;
      }
    }
}

TEST(Frame, what_is_none_of_ours_is_strange) {
  Rng rng{4};
  const Frame f{Carrier::Udp, true, 84, ours, peers};
  Stamp found;
  Octets arp(80);
  wire::Ethernet::emit(arp.data(), peers, ours, wire::EtherType::Arp);
  EXPECT_EQ(f.look(arp, found), Frame::Verdict::Strange);
  const Octets bare =
      written(Frame{Carrier::Bare, true, 84, ours, peers}, {Ip4Addr{}, Ip4Addr{}, {}, {}}, {});
  EXPECT_EQ(f.look(bare, found), Frame::Verdict::Strange);
  const Octets six = written(Frame{Carrier::Udp, false, 84, ours, peers}, some_place(false, rng), {});
  EXPECT_EQ(f.look(six, found), Frame::Verdict::Strange);
}

}  // namespace
}  // namespace sluice::load
