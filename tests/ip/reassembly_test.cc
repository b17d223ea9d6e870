// SPDX-License-Identifier: Apache-2.0
#include "ip/reassembly.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "base/rng.h"
#include "support/frames.h"

namespace sluice::ip {
namespace {

using test::Octets;
using test::peer;
using test::us;

// What stands at `at` of a datagram's payload; another `kind`, another content.
uint8_t octet(size_t at, uint8_t kind = 0) { return static_cast<uint8_t>(at * 7 + at / 256 + kind); }

// A piece of an IPv4 datagram, or an IPv6 packet's behind its fragment header.
struct Spec {
  uint32_t at = 0, size = 8;
  bool more = true;
  uint8_t kind = 0, ecn = 0;
  uint32_t id = 1;
  Ip4Addr src = peer;
  bool small = false;
};

class ReassemblyTest : public test::PacketTest {
 protected:
  static constexpr size_t l2 = 14, header = 20;

  void rebuild() {
    test::start_eal();
    room.emplace(options, test::packet_pool(), SipKey{1, 2}, count);
  }
  void TearDown() override {
    expired.clear();
    room.reset();
    EXPECT_EQ(test::packet_pool().large_free(), test::packet_pool().large_size());
  }
  // The payload that came of it; nothing: the datagram is not complete.
  std::optional<Octets> add(const Spec& s) {
    if (!room) rebuild();
    Octets payload(s.size);
    for (size_t i = 0; i < s.size; ++i) payload[i] = octet(s.at + i, s.kind);
    const Octets datagram = test::ip4(
        {.src = s.src, .tos = s.ecn, .fragment = static_cast<uint16_t>(s.at / 8 | (s.more ? 0x2000 : 0))},
        payload);
    buf::Packet p = test::received(test::frame(datagram), 1);
    const buf::Packet whole = room->add(std::move(p),
                                        {.id = {s.src, us, s.id, 17},
                                         .at = s.at,
                                         .size = static_cast<uint16_t>(s.size),
                                         .from = l2 + header,
                                         .more = s.more,
                                         .ecn = s.ecn,
                                         .header = l2 + header,
                                         .small = s.small},
                                        now);
    if (!whole) return {};
    EXPECT_TRUE(whole.contiguous());
    EXPECT_EQ(whole.ingress(), 1);
    EXPECT_EQ(whole.l2_len(), whole.l3().size() + l2 > 65535 ? 0u : l2);
    const auto ip = wire::Ip4::parse(whole.l3());
    EXPECT_TRUE(ip && ip->good_checksum() && !ip->is_fragment());
    EXPECT_EQ(ip->total_length(), whole.l3().size());
    tos = ip->tos();
    return test::copy(ip->payload());
  }
  bool complete(const Spec& s, size_t size) {
    const auto got = add(s);
    if (!got) return false;
    EXPECT_EQ(got->size(), size);
    for (size_t i = 0; i < got->size(); ++i)
      if ((*got)[i] != octet(i)) {
        ADD_FAILURE() << "octet " << i;
        break;
      }
    return true;
  }
  uint32_t held() const { return room->pieces().packets(); }

  Options options;
  Counters count;
  std::optional<Reassembly> room;
  Instant now{1'000'000'000};
  buf::Batch expired;
  uint8_t tos = 0;
};

TEST_F(ReassemblyTest, puts_together_whatever_the_order) {
  const Spec parts[] = {{0, 16}, {16, 1000}, {1016, 480}, {1496, 5, false}};
  size_t order[] = {0, 1, 2, 3};
  do {
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(complete(parts[order[i]], 1501), i == 3);
    EXPECT_EQ(held(), 0u);
  } while (std::next_permutation(order, order + 4));
  EXPECT_EQ(count[Counter::ip_reassembled], 24u);
  EXPECT_EQ(room->deadline(), Instant::never());
}

TEST_F(ReassemblyTest, the_longest_datagram_there_is_and_not_an_octet_more) {
  const auto send = [&](uint32_t all) {
    bool done = false;
    for (uint32_t at = 0; at < all; at += 1480)
      done |= complete({at, std::min(1480u, all - at), at + 1480 < all}, all);
    return done;
  };
  EXPECT_TRUE(send(65535 - 20));
  EXPECT_FALSE(send(65535 - 19)) << "with its header it is 65,536";
  EXPECT_EQ(count[Counter::ip_fragment_too_long], 45u) << "all that it was made of";
  EXPECT_FALSE(add({65528, 8, false})) << "the ping of death";
  EXPECT_EQ(count[Counter::ip_fragment_too_long], 46u);
  EXPECT_EQ(held(), 0u);
}

TEST_F(ReassemblyTest, an_overlap_of_any_kind_condemns_the_datagram_and_all_that_comes_later) {
  struct Case {
    const char* claim;
    std::vector<Spec> before;
    Spec bad;
  };
  const Case cases[] = {
      {"its front in another", {{8, 16}}, {16, 16}},
      {"its back in another", {{16, 16}}, {8, 16}},
      {"inside another", {{0, 32}}, {8, 8}},
      {"around another", {{8, 8}}, {0, 32}},
      {"over two", {{0, 16}, {16, 16}}, {8, 16}},
      {"into the gap and over", {{0, 8}, {24, 8}}, {8, 24}},
      {"the same place, other octets", {{8, 16}}, {8, 16, true, 1}},
      {"the same place, shorter", {{8, 16}}, {8, 8}},
      {"the same place, longer", {{8, 16}}, {8, 24}},
      {"the last again, with more to follow", {{8, 16, false}}, {8, 16, true}},
      {"a last one where more followed", {{8, 16}}, {8, 16, false}},
      {"a second end, nearer", {{64, 8, false}}, {32, 8, false}},
      {"a second end, farther", {{32, 8, false}}, {64, 8, false}},
      {"behind the end", {{32, 8, false}}, {64, 8}},
      {"up to the end, with more to follow", {{32, 8, false}}, {16, 24}},
      {"an end in front of what came", {{64, 8}}, {32, 8, false}},
  };
  uint32_t id = 1;
  for (const Case& c : cases) {
    ++id;
    const uint64_t overlaps = count[Counter::ip_fragment_overlap],
                   refused = count[Counter::ip_fragment_refused];
    for (Spec s : c.before) {
      s.id = id;
      EXPECT_FALSE(add(s)) << c.claim;
    }
    Spec bad = c.bad;
    bad.id = id;
    EXPECT_FALSE(add(bad)) << c.claim;
    EXPECT_EQ(count[Counter::ip_fragment_overlap], overlaps + c.before.size() + 1) << c.claim;
    EXPECT_EQ(held(), 0u) << c.claim;
    // RFC 5722 §4: fragments not yet received included.
    EXPECT_FALSE(add({.at = 0, .size = 16, .more = true, .id = id})) << c.claim;
    EXPECT_FALSE(add({.at = 16, .size = 16, .more = false, .id = id})) << c.claim;
    EXPECT_EQ(count[Counter::ip_fragment_refused], refused + 2) << c.claim;
  }
  now = now + options.reassembly_time;
  EXPECT_FALSE(room->expire(now, expired));
  EXPECT_TRUE(expired.empty()) << "no error is sent about what was refused";
  EXPECT_EQ(room->deadline(), Instant::never());
}

TEST_F(ReassemblyTest, what_the_network_duplicated_does_no_harm) {
  for (const Spec& s : {Spec{0, 16}, Spec{32, 8, false}}) {
    EXPECT_FALSE(add(s));
    EXPECT_FALSE(add(s));
  }
  EXPECT_EQ(count[Counter::ip_fragment_duplicate], 2u);
  EXPECT_EQ(held(), 2u);
  EXPECT_TRUE(complete({16, 16}, 40));
}

TEST_F(ReassemblyTest, datagrams_differ_by_each_part_of_their_name) {
  EXPECT_FALSE(add({0, 8}));
  EXPECT_FALSE(add({.at = 8, .size = 8, .more = false, .id = 2}));
  EXPECT_FALSE(add({.at = 8, .size = 8, .more = false, .src = Ip4Addr::of(198, 18, 0, 8)}));
  EXPECT_TRUE(complete({8, 8, false}, 16));
  EXPECT_EQ(held(), 2u);
}

TEST_F(ReassemblyTest, what_is_not_complete_in_time_goes_and_its_first_fragment_tells) {
  EXPECT_FALSE(add({.at = 0, .size = 8, .id = 1}));
  EXPECT_FALSE(add({.at = 8, .size = 8, .id = 1}));
  EXPECT_FALSE(add({.at = 8, .size = 8, .id = 2}));
  EXPECT_EQ(room->deadline(), now + options.reassembly_time);
  now = now + options.reassembly_time - 1_ms;
  EXPECT_FALSE(add({.at = 24, .size = 8, .id = 1})) << "gives it no more time";
  EXPECT_FALSE(room->expire(now, expired));
  EXPECT_EQ(held(), 4u);
  now = now + 1_ms;
  EXPECT_FALSE(room->expire(now, expired));
  EXPECT_EQ(expired.size(), 1u);
  const auto ip = wire::Ip4::parse(expired[0].l3());
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->fragment_offset(), 0u);
  EXPECT_EQ(count[Counter::ip_fragment_timeout], 4u);
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(room->deadline(), Instant::never());
}

TEST_F(ReassemblyTest, more_errors_than_a_burst_come_in_several) {
  options.reassembly_per_source = 1000;
  for (uint32_t id = 1; id <= 100; ++id) EXPECT_FALSE(add({.at = 0, .size = 8, .id = id}));
  now = now + options.reassembly_time;
  EXPECT_TRUE(room->expire(now, expired));
  EXPECT_EQ(expired.size(), buf::burst_size);
  expired.clear();
  EXPECT_FALSE(room->expire(now, expired));
  EXPECT_EQ(expired.size(), 100 - buf::burst_size);
}

TEST_F(ReassemblyTest, congestion_on_the_way_of_one_fragment_is_the_datagrams) {
  struct Case {
    uint8_t first, second;
    int is;  // -1: refused
  };
  for (const Case& c : {Case{0, 0, 0},
                        {1, 1, 1},
                        {2, 2, 2},
                        {2, 1, 2},
                        {2, 3, 3},
                        {3, 2, 3},
                        {3, 3, 3},
                        {0, 3, -1},
                        {3, 0, -1},
                        {0, 2, 0}}) {
    const uint64_t refused = count[Counter::ip_fragment_ecn];
    EXPECT_FALSE(add({.at = 0, .size = 8, .ecn = c.first}));
    EXPECT_EQ(add({.at = 8, .size = 8, .more = false, .ecn = c.second}).has_value(), c.is >= 0);
    EXPECT_EQ(count[Counter::ip_fragment_ecn], refused + (c.is < 0 ? 2 : 0));
    if (c.is >= 0) {
      EXPECT_EQ(tos & 3, c.is) << int{c.first} << " and " << int{c.second};
    }
  }
}

TEST_F(ReassemblyTest, a_transport_that_keeps_what_it_gets_takes_no_large_buffer) {
  for (uint32_t at = 0; at < 2800; at += 1400)
    EXPECT_FALSE(add({.at = at, .size = 1400, .more = at == 0, .small = true}));
  EXPECT_EQ(count[Counter::ip_fragment_no_buffer], 2u);
  EXPECT_FALSE(add({.at = 0, .size = 800, .small = true}));
  EXPECT_TRUE(complete({.at = 800, .size = 700, .more = false, .small = true}, 1500));
}

TEST_F(ReassemblyTest, without_a_large_buffer_the_datagram_is_lost_and_nothing_else) {
  std::vector<buf::Packet> taken;
  for (uint32_t i = 0; i < test::packet_pool().large_size(); ++i)
    taken.push_back(test::packet_pool().alloc_for(5000));
  EXPECT_FALSE(test::packet_pool().alloc_for(5000));
  for (uint32_t at = 0; at < 2800; at += 1400) EXPECT_FALSE(add({.at = at, .size = 1400, .more = at == 0}));
  EXPECT_EQ(count[Counter::ip_fragment_no_buffer], 2u);
  EXPECT_EQ(held(), 0u);
  taken.clear();
  EXPECT_FALSE(add({.at = 0, .size = 1400}));
  EXPECT_TRUE(complete({.at = 1400, .size = 1400, .more = false}, 2800));
}

TEST_F(ReassemblyTest, a_datagram_of_crumbs_is_refused) {
  options.reassembly_fragments = 16;
  for (uint32_t i = 0; i < 17; ++i) EXPECT_FALSE(add({.at = 8 * i, .size = 8}));
  EXPECT_EQ(count[Counter::ip_fragment_too_many], 17u);
  EXPECT_EQ(held(), 0u);
}

TEST_F(ReassemblyTest, one_who_floods_displaces_himself_only) {
  options.reassembly_packets = 256;
  options.reassembly_datagrams = 256;
  options.reassembly_per_source = 40;
  const Ip4Addr honest = Ip4Addr::of(198, 18, 0, 77);
  EXPECT_FALSE(add({.at = 0, .size = 1000, .src = honest}));
  const uint32_t before = test::packet_pool().packets_free();
  for (uint32_t id = 1; id <= 20'000; ++id) EXPECT_FALSE(add({.at = 8 * (id % 3), .size = 8, .id = id}));
  EXPECT_LE(before - test::packet_pool().packets_free(), 20u) << "a packet and a datagram each";
  EXPECT_GE(count[Counter::ip_fragment_shed], 19'900u);
  EXPECT_TRUE(complete({.at = 1000, .size = 500, .more = false, .src = honest}, 1500));
  // Nor does one in crumbs of one datagram.
  for (uint32_t i = 0; i < 60; ++i) EXPECT_FALSE(add({.at = 16 * i, .size = 8, .id = 99'999}));
  EXPECT_LE(held(), 40u);
}

TEST_F(ReassemblyTest, a_flood_of_many_sources_leaves_memory_flat_and_the_youngest_whole) {
  options.reassembly_packets = 128;
  options.reassembly_datagrams = 64;
  Rng rng{7};
  const uint32_t before = test::packet_pool().packets_free();
  for (uint32_t i = 0; i < 20'000; ++i) {
    const Ip4Addr src{static_cast<uint32_t>(rng())};
    EXPECT_FALSE(add({.at = 8 * static_cast<uint32_t>(rng.below(3)), .size = 8, .id = i, .src = src}));
    EXPECT_LE(before - test::packet_pool().packets_free(), 128u);
    if (i % 1000 != 0) continue;
    EXPECT_FALSE(add({.at = 0, .size = 1000, .id = i}));
    for (uint32_t n = 0; n < 40; ++n)
      EXPECT_FALSE(add({.at = 8, .size = 8, .id = n, .src = {static_cast<uint32_t>(rng())}}));
    EXPECT_TRUE(complete({.at = 1000, .size = 8, .more = false, .id = i}, 1008));
  }
}

// The room and a naive one get the same pieces: cut at random, shuffled, some twice, some lost, some with
// other octets. They agree on every datagram.
TEST_F(ReassemblyTest, agrees_with_a_naive_reassembly_on_random_datagrams) {
  options.reassembly_per_source = 1000;
  options.reassembly_fragments = 1000;
  Rng rng{20};
  int whole = 0, condemned = 0;
  for (uint32_t id = 1; id <= 3000; ++id) {
    const auto all = static_cast<uint32_t>(1 + rng.below(rng.chance(0.1) ? 20'000 : 3000));
    std::vector<Spec> parts;
    for (uint32_t at = 0; at < all;) {
      const auto size = std::min<uint32_t>(all - at, static_cast<uint32_t>(8 + 8 * rng.below(180)));
      parts.push_back({.at = at, .size = size, .more = at + size < all, .id = id});
      at += size;
    }
    if (parts.size() == 1) continue;
    if (rng.chance(0.2)) parts.push_back(parts[rng.below(parts.size())]);
    if (rng.chance(0.2)) parts.erase(parts.begin() + static_cast<ptrdiff_t>(rng.below(parts.size())));
    if (rng.chance(0.1)) {
      Spec odd = parts[rng.below(parts.size())];
      rng.chance(0.5) ? odd.at += 8 : odd.size += 8;
      parts.push_back(odd);
    }
    if (rng.chance(0.7)) std::shuffle(parts.begin(), parts.end(), rng);

    std::map<uint32_t, Spec> seen;
    std::optional<uint32_t> end;
    bool bad = false, done = false;
    for (const Spec& s : parts) {
      const uint32_t upto = s.at + s.size;
      if (!bad && !done) {
        const auto same = seen.find(s.at);
        if (same == seen.end() || same->second.size != s.size || same->second.more != s.more) {
          for (const auto& [at, o] : seen) bad |= s.at < at + o.size && at < upto;
          bad |= end && (!s.more || upto >= *end);
          if (!s.more)
            for (const auto& [at, o] : seen) bad |= at + o.size > upto || at >= upto;
          if (!s.more && !end) end = upto;
          seen.emplace(s.at, s);
        }
        uint32_t reach = 0;
        for (const auto& [at, o] : seen) reach = at == reach ? at + o.size : reach;
        if (!bad && end && reach == *end) {
          done = true;
          ++whole;
          EXPECT_TRUE(complete(s, *end)) << "datagram " << id;
          break;
        }
      }
      EXPECT_FALSE(add(s)) << "datagram " << id;
    }
    condemned += bad;
    now = now + options.reassembly_time;
    EXPECT_FALSE(room->expire(now, expired));
    expired.clear();
    EXPECT_EQ(held(), 0u);
  }
  EXPECT_GT(whole, 1500);
  EXPECT_GT(condemned, 100);
}

}  // namespace
}  // namespace sluice::ip
