// SPDX-License-Identifier: Apache-2.0
#include "app/load/frame.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/tuple.h"
#include "wire/udp.h"

namespace sluice::load {
namespace {

constexpr Mac ours{{2, 0, 0, 0, 0, 1}}, peers{{2, 0, 0, 0, 0, 2}};
constexpr Carrier carriers[] = {Carrier::Udp, Carrier::Echo, Carrier::Bare};

using Octets = std::vector<uint8_t>;

Frame::Place some_place(Rng& rng) {
  return {Ip4Addr{static_cast<uint32_t>(rng())},
          Ip4Addr{static_cast<uint32_t>(rng())},
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
void expect_proper(Carrier c, const Octets& b, const Frame::Place& p) {
  const auto eth = *wire::Ethernet::parse(b);
  EXPECT_EQ(eth.dst(), peers);
  EXPECT_EQ(eth.src(), ours);
  const auto ip = wire::Ip4::parse(Bytes{b}.subspan(14));
  ASSERT_TRUE(ip);
  EXPECT_TRUE(ip->good_checksum());
  EXPECT_EQ(ip->total_length() + 14, b.size());
  EXPECT_EQ(ip->src(), p.src);
  EXPECT_EQ(ip->dst(), p.dst);
  if (c == Carrier::Udp) {
    const auto udp = wire::Udp::parse(ip->payload());
    ASSERT_TRUE(udp);
    EXPECT_EQ(udp->src(), p.src_port);
    EXPECT_EQ(udp->dst(), p.dst_port);
    EXPECT_NE(udp->checksum(), 0);
    EXPECT_EQ(wire::pseudo_header(ip->src(), ip->dst(), 17, static_cast<uint32_t>(udp->whole().size()))
                  .add(udp->whole())
                  .folded(),
              0xffff);
  } else if (c == Carrier::Echo) {
    const auto icmp = wire::Icmp4::parse(ip->payload());  // its checksum too
    ASSERT_TRUE(icmp);
    EXPECT_EQ(icmp->type(), wire::Icmp4Type::Echo);
  } else {
    EXPECT_EQ(ip->proto(), 253);
  }
}

TEST(Frame, is_proper_at_every_size_and_found_again) {
  Rng rng{1};
  for (const Carrier c : carriers)
    for (const uint16_t size : {64, 65, 128, 1279, 1518})
      for (int i = 0; i < 50; ++i) {
        const Frame f{c, size, ours, peers};
        const auto place = some_place(rng);
        const Stamp stamp = some_stamp(rng);
        const Octets b = written(f, place, stamp);
        ASSERT_EQ(b.size() + Frame::check_sequence, size);
        expect_proper(c, b, place);
        Stamp found;
        ASSERT_EQ(f.look(b, found), Frame::Verdict::Ours);
        EXPECT_EQ(found.flow, stamp.flow);
        EXPECT_EQ(found.number, stamp.number);
        EXPECT_EQ(found.time, stamp.time);
      }
}

TEST(Frame, the_smallest_ethernet_frame_holds_every_carrier) {
  for (const Carrier c : carriers) EXPECT_LE(Frame::least(c), 64);
}

// What a router, a translator and an echoing host do to it is no damage.
TEST(Frame, is_still_ours_after_a_router_a_translator_and_an_echo) {
  Rng rng{2};
  const auto place = some_place(rng);
  Stamp found;
  for (const Carrier c : carriers) {
    const Frame f{c, 128, ours, peers};
    Octets b = written(f, place, some_stamp(rng));
    wire::Ip4::decrement_ttl(b.data() + 14);
    EXPECT_EQ(f.look(b, found), Frame::Verdict::Ours) << "routed";
  }
  const Frame udp{Carrier::Udp, 128, ours, peers};
  Octets b = written(udp, place, some_stamp(rng));
  Octets swapped = b;
  std::copy_n(b.begin() + 26, 4, swapped.begin() + 30);
  std::copy_n(b.begin() + 30, 4, swapped.begin() + 26);
  std::copy_n(b.begin() + 34, 2, swapped.begin() + 36);
  std::copy_n(b.begin() + 36, 2, swapped.begin() + 34);
  EXPECT_EQ(udp.look(swapped, found), Frame::Verdict::Ours) << "swapped";
  b[40] = b[41] = 0;
  EXPECT_EQ(udp.look(b, found), Frame::Verdict::Ours) << "without a UDP checksum";

  const Frame echo{Carrier::Echo, 128, ours, peers};
  Octets reply = written(echo, place, some_stamp(rng));
  wire::Icmp4::echo_to_reply(MutBytes{reply}.subspan(34));
  EXPECT_EQ(echo.look(reply, found), Frame::Verdict::Ours) << "answered";
}

TEST(Frame, one_bit_that_changed_anywhere_is_noticed) {
  Rng rng{3};
  for (const Carrier c : carriers)
    for (const uint16_t size : {64, 256}) {
      const Frame f{c, size, ours, peers};
      const Octets good = written(f, some_place(rng), some_stamp(rng));
      for (size_t bit = 14 * 8; bit < good.size() * 8; ++bit) {
        Octets b = good;
        b[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
        Stamp found;
        ASSERT_NE(f.look(b, found), Frame::Verdict::Ours) << size << " octet " << bit / 8;
      }
    }
}

TEST(Frame, what_is_none_of_ours_is_strange) {
  const Frame f{Carrier::Udp, 64, ours, peers};
  Stamp found;
  Octets arp(60);
  wire::Ethernet::emit(arp.data(), peers, ours, wire::EtherType::Arp);
  EXPECT_EQ(f.look(arp, found), Frame::Verdict::Strange);
  Octets bare = written(Frame{Carrier::Bare, 64, ours, peers}, {}, {});
  EXPECT_EQ(f.look(bare, found), Frame::Verdict::Strange);
}

}  // namespace
}  // namespace sluice::load
