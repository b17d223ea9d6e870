// SPDX-License-Identifier: Apache-2.0
#include "ip/route_trie.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/rng.h"
#include "ip/route_list.h"
#include "support/eal.h"
#include "support/sanitized.h"

namespace sluice::ip {
namespace {

Ip4Addr random_addr(Rng& rng, Ip4Addr) { return {static_cast<uint32_t>(rng())}; }
Ip6Addr random_addr(Rng& rng, Ip6Addr) {
  Ip6Addr a;
  for (uint8_t& b : a.b) b = static_cast<uint8_t>(rng());
  return a;
}
// Half of all prefixes crowd under a few short ones, so that they nest and share groups.
template <class Addr>
Addr crowded(Rng& rng) {
  Addr a = random_addr(rng, Addr{});
  if (rng.below(2) == 0) {
    const Addr crowd = network(random_addr(rng, Addr{}), 4);
    uint8_t octets[16];
    a.store(octets);
    uint8_t few[16];
    crowd.store(few);
    const size_t same = 1 + rng.below(Addr::wire_size - 1);
    std::fill_n(octets, same, few[0]);
    a = Addr::load(octets);
  }
  return a;
}

// Longest prefix match as the definition says it, and nothing else.
template <class Addr>
struct Naive {
  std::map<std::pair<unsigned, Addr>, uint32_t> all;  // length, network
  // {length, value} of the longest that holds `a` and is shorter than `below`.
  std::pair<unsigned, uint32_t> match(const Addr& a, unsigned below) const {
    for (unsigned length = below; length-- > 0;)
      if (const auto at = all.find({length, network(a, length)}); at != all.end())
        return {length, at->second};
    return {0, 0};
  }
};

template <class Addr>
void changes_agree_with_the_definition(size_t prefixes, size_t changes) {
  test::start_eal();
  constexpr unsigned bits = Addr::wire_size * 8;
  Rng rng{31};
  RouteTrie<Addr> trie{1u << 20, 1u << 20};
  Naive<Addr> naive;
  std::vector<std::pair<unsigned, Addr>> there;
  const auto change = [&](bool grow) {
    const bool old = !there.empty() && !grow;
    const size_t which = old ? rng.below(there.size()) : 0;
    if (old && rng.below(2) == 0) {
      const auto [length, net] = there[which];
      there[which] = there.back();
      there.pop_back();
      naive.all.erase({length, net});
      const auto [cover_length, cover] = naive.match(net, length);
      trie.clear(net, length, cover_length, cover);
      return;
    }
    // Short prefixes touch half the table each: a few will do.
    const unsigned drawn =
        static_cast<unsigned>(rng.below(1000) == 0 ? rng.below(8) : 8 + rng.below(bits - 7));
    const unsigned length = old ? there[which].first : drawn;
    const Addr net = old ? there[which].second : network(crowded<Addr>(rng), length);
    const auto value = static_cast<uint32_t>(1 + rng.below(1000));
    if (naive.all.insert_or_assign({length, net}, value).second) there.push_back({length, net});
    ASSERT_TRUE(trie.set(net, length, value));
  };
  const auto compare = [&](size_t bursts) {
    for (size_t i = 0; i < bursts; ++i) {
      Addr a[64];
      uint32_t found[64];
      for (Addr& x : a) {
        x = crowded<Addr>(rng);
        if (rng.below(4) != 0) {  // inside a prefix, or just at its edge
          const auto& [length, net] = there[rng.below(there.size())];
          uint8_t octets[16], host[16];
          net.store(octets);
          random_addr(rng, Addr{}).store(host);
          for (unsigned bit = length; bit < bits; ++bit)
            octets[bit / 8] |= static_cast<uint8_t>(host[bit / 8] & 0x80 >> bit % 8);
          x = Addr::load(octets);
        }
      }
      trie.lookup(a, found, 64);
      for (size_t k = 0; k < 64; ++k) {
        ASSERT_EQ(found[k], naive.match(a[k], bits + 1).second) << to_text(IpAddr{a[k]});
        ASSERT_EQ(trie.lookup(a[k]), found[k]) << "one by one as well as in a burst";
      }
    }
  };
  for (size_t i = 0; i < prefixes; ++i) change(true);
  compare(test::rounds(1000));
  for (size_t round = 0; round < 100; ++round) {
    for (size_t i = 0; i < changes / 100; ++i) change(rng.below(3) == 0);
    compare(test::rounds(10));
  }
  // All out again: nothing is found, and no node is left over.
  for (const auto& [length, net] : there) {
    naive.all.erase({length, net});
    const auto [cover_length, cover] = naive.match(net, length);
    trie.clear(net, length, cover_length, cover);
  }
  there.assign(1, {0, Addr{}});
  compare(100);
  EXPECT_EQ(trie.groups(), 0u);
  EXPECT_EQ(trie.buckets(), 0u);
}

TEST(RouteTrie, a_hundred_thousand_changing_ipv4_prefixes_match_as_the_definition_says) {
  changes_agree_with_the_definition<Ip4Addr>(test::rounds(100'000), test::rounds(100'000));
}
TEST(RouteTrie, twenty_thousand_changing_ipv6_prefixes_match_as_the_definition_says) {
  changes_agree_with_the_definition<Ip6Addr>(test::rounds(20'000), test::rounds(20'000));
}

TEST(RouteTrie, every_length_at_both_ends_of_the_address_space) {
  test::start_eal();
  RouteTrie<Ip6Addr> trie{1u << 16, 1u << 16};
  Ip6Addr ones;
  ones.b.fill(0xff);
  for (unsigned length = 0; length <= 128; ++length) {
    ASSERT_TRUE(trie.set(network(ones, length), length, length + 1));
    EXPECT_EQ(trie.lookup(ones), length + 1);
    EXPECT_EQ(trie.lookup(Ip6Addr{}), 1u);
  }
  for (unsigned length = 128; length > 0; --length) {
    trie.clear(network(ones, length), length, length - 1, length);
    EXPECT_EQ(trie.lookup(ones), length);
  }
  EXPECT_EQ(trie.groups(), 0u);
  EXPECT_EQ(trie.buckets(), 0u);
}

// As many groups and buckets as one piece of memory has.
constexpr uint32_t one_piece_of_groups = 1024, one_piece_of_buckets = 16384;
// One of the hosts, so far apart, of a network of 16 bits.
Ip4Addr host(uint32_t net, uint32_t i, uint32_t apart = 1) { return {net << 16 | i * apart}; }
struct Small : RouteTrie<Ip4Addr> {
  Small() : RouteTrie{one_piece_of_groups - 1, one_piece_of_buckets - 1} {}
};

TEST(RouteTrie, a_few_long_prefixes_share_a_line_until_they_are_too_many) {
  test::start_eal();
  Small trie;
  for (uint32_t i = 0; i < 8; ++i) {
    EXPECT_EQ(trie.groups(), 0u);
    ASSERT_TRUE(trie.set({0x0a000000 | i << 13}, 24 + i, 1 + i));
    if (i < 7) {
      EXPECT_EQ(trie.buckets(), 1u);
    }
  }
  EXPECT_EQ(trie.groups(), 1u) << "an eighth makes it a group";
  EXPECT_EQ(trie.buckets(), 7u) << "of one each, but for the one that ends there";
  for (uint32_t i = 0; i < 8; ++i) EXPECT_EQ(trie.lookup({0x0a000000 | i << 13}), 1 + i);
  for (uint32_t i = 0; i < 8; ++i) trie.clear({0x0a000000 | i << 13}, 24 + i, 0, 0);
  EXPECT_EQ(trie.groups() + trie.buckets(), 0u);
}

TEST(RouteTrie, without_memory_a_route_is_refused_and_the_others_stay) {
  test::start_eal();
  Small trie;
  uint32_t refused = 0;
  for (uint32_t i = 0; i < 20'000; ++i) refused += !trie.set(host(i, 1), 32, 1 + i);
  EXPECT_EQ(refused, 20'000u - one_piece_of_buckets) << "a host takes a bucket";
  for (uint32_t i = 0; i < 20'000; ++i)
    EXPECT_EQ(trie.lookup(host(i, 1)), i < one_piece_of_buckets ? 1 + i : 0u);
  trie.clear(host(0, 1), 32, 0, 0);
  EXPECT_TRUE(trie.set({0xffff'0101}, 32, 7)) << "what was given back is used again";
}

TEST(RouteTrie, without_memory_for_a_group_the_bucket_stays_as_it_was) {
  test::start_eal();
  Small trie;
  uint32_t refused = 0;
  for (uint32_t net = 0; net < 600; ++net)
    for (uint32_t i = 0; i < 8; ++i) refused += !trie.set(host(net, i), 32, 1 + i);
  EXPECT_EQ(refused, 600u - one_piece_of_groups / 2) << "eight hosts side by side take two groups";
  EXPECT_EQ(trie.groups(), one_piece_of_groups);
  EXPECT_EQ(trie.buckets(), 600u - one_piece_of_groups / 2) << "what was begun is given back";
  for (uint32_t net = 0; net < 600; ++net)
    for (uint32_t i = 0; i < 8; ++i)
      EXPECT_EQ(trie.lookup(host(net, i)), i < 7 || net < one_piece_of_groups / 2 ? 1 + i : 0u);
}

// A grace period that passes when the test says so.
struct ByHand final : Grace {
  uint64_t now = 0, done = 0;
  uint64_t start() override { return ++now; }
  bool passed(uint64_t token) override { return token <= done; }
};

TEST(RouteTrie, a_node_is_not_used_again_while_a_reader_may_be_in_it) {
  test::start_eal();
  ByHand grace;
  Small trie;
  trie.readers_from_now_on(&grace);
  for (uint32_t i = 0; i < one_piece_of_buckets; ++i) ASSERT_TRUE(trie.set({i << 16 | 0x0101}, 32, 1));
  trie.clear({0x0101}, 32, 0, 0);
  EXPECT_FALSE(trie.set({0x0101}, 32, 1));
  grace.done = grace.now;
  EXPECT_TRUE(trie.set({0x0101}, 32, 1));

  Small other;
  other.readers_from_now_on(&grace);
  for (uint32_t net = 0; net < one_piece_of_groups / 2; ++net)
    for (uint32_t i = 0; i < 8; ++i) {
      ASSERT_TRUE(other.set({net << 16 | i}, 32, 1));
      grace.done = grace.now;  // of the buckets
    }
  for (uint32_t i = 0; i < 8; ++i) other.clear({i}, 32, 0, 0);
  for (uint32_t i = 0; i < 8; ++i) EXPECT_EQ(other.set({i}, 32, 1), i < 7);
  grace.done = grace.now;
  EXPECT_TRUE(other.set({7}, 32, 1));
}

TEST(RouteTrie, longer_prefixes_that_give_way_leave_a_bucket_for_good) {
  test::start_eal();
  const auto gives_way = [](uint32_t value) { return value == 9; };
  const Ip4Addr net{0x0a000000}, dead{0x0a000001}, alive{0x0a000101}, other{0x0a000201};
  for (const unsigned length : {12u, 16u, 20u})
    for (const bool there : {false, true}) {
      Small trie;
      ASSERT_TRUE(trie.set(net, 24, 9));
      ASSERT_TRUE(trie.set(Ip4Addr{0x0a000100}, 24, 5));
      if (there) {
        ASSERT_TRUE(trie.set(net, length, 3));
      }
      ASSERT_TRUE(trie.set(net, length, 1, gives_way));
      EXPECT_EQ(trie.lookup(dead), 1u) << length << there;
      EXPECT_EQ(trie.lookup(alive), 5u);
      EXPECT_EQ(trie.lookup(other), 1u);
      trie.clear(net, length, 0, 0);
      EXPECT_EQ(trie.lookup(dead), 0u) << length << there;
      EXPECT_EQ(trie.lookup(alive), 5u);
      trie.clear(Ip4Addr{0x0a000100}, 24, 0, 0);
      EXPECT_EQ(trie.buckets(), 0u);
    }
  Small trie;
  ASSERT_TRUE(trie.set(net, 24, 9));
  ASSERT_TRUE(trie.set(net, 16, 1, gives_way));
  EXPECT_EQ(trie.buckets(), 0u);
}

using Coming = std::vector<RouteList<Ip4Addr>::Item>;

TEST(RouteTrie, reserve_counts_the_buckets_that_readers_hold_and_those_in_new_groups) {
  test::start_eal();
  constexpr uint32_t nets = 2000;
  Coming coming;
  for (uint32_t net = 0; net < nets; ++net)
    for (uint32_t i = 0; i < 8; ++i) coming.push_back({host(net, i, 256), 32, true, 1});
  ByHand grace;
  // Seven times a bucket for another, and then eight in a group.
  RouteTrie<Ip4Addr> small{2 * one_piece_of_groups - 1, one_piece_of_buckets - 1};
  small.readers_from_now_on(&grace);
  const size_t octets = small.octets();
  EXPECT_FALSE(small.reserve(coming));
  EXPECT_EQ(small.octets(), octets);
  RouteTrie<Ip4Addr> large{2 * one_piece_of_groups - 1, 2 * one_piece_of_buckets - 1};
  large.readers_from_now_on(&grace);
  ASSERT_TRUE(large.reserve(coming));
  for (const auto& c : coming) ASSERT_TRUE(large.set(c.prefix, c.length, 1));
  EXPECT_EQ(large.groups(), nets);
}

TEST(RouteTrie, reserve_counts_those_who_are_there) {
  test::start_eal();
  Small trie;
  Coming coming;
  for (uint32_t net = 0; net < 600; ++net) {
    for (uint32_t i = 0; i < 7; ++i) ASSERT_TRUE(trie.set(host(net, i, 1), 32, 1));
    coming.push_back({host(net, 7, 1), 32, true, 1});  // makes two groups
  }
  EXPECT_FALSE(trie.reserve(coming));
  EXPECT_TRUE(trie.reserve(std::span{coming}.first(one_piece_of_groups / 2)));
}

// What is reserved is enough, whatever is there and in whatever order it comes, while readers hold on to all
// that it replaces.
TEST(RouteTrie, what_reserve_promises_is_kept_and_what_it_refuses_takes_nothing) {
  test::start_eal();
  Rng rng{7};
  size_t promised = 0, refused = 0;
  for (size_t round = 0; round < test::rounds(200); ++round) {
    ByHand grace;
    RouteTrie<Ip6Addr> trie{one_piece_of_groups - 1, one_piece_of_buckets - 1};
    trie.readers_from_now_on(&grace);
    const size_t many = 1 + rng.below(4000);
    const auto prefix = [&] {
      const auto length = static_cast<uint8_t>(rng.below(3) == 0 ? 17 + rng.below(112) : 33 + rng.below(32));
      Ip6Addr a;
      for (uint8_t& b : a.b) b = static_cast<uint8_t>(rng.below(2));  // crowded
      return RouteList<Ip6Addr>::Item{network(a, length), length, true, 1};
    };
    for (size_t i = 0; i < many / 2; ++i) {
      const auto p = prefix();
      (void)trie.set(p.prefix, p.length, 1);
    }
    std::vector<RouteList<Ip6Addr>::Item> coming;
    for (size_t i = 0; i < many; ++i) coming.push_back(prefix());
    const size_t octets = trie.octets();
    if (trie.reserve(coming)) {
      ++promised;
      for (const auto& p : coming) ASSERT_TRUE(trie.set(p.prefix, p.length, 2)) << "round " << round;
    } else {
      ++refused;
      ASSERT_EQ(trie.octets(), octets);
    }
  }
  EXPECT_GT(promised, 0u);
  EXPECT_GT(refused, 0u);
}

}  // namespace
}  // namespace sluice::ip
