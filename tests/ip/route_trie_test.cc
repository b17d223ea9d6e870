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
  RouteTrie<Addr> trie{1u << 20};
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
  // All out again: nothing is found, and no group is left over.
  for (const auto& [length, net] : there) {
    naive.all.erase({length, net});
    const auto [cover_length, cover] = naive.match(net, length);
    trie.clear(net, length, cover_length, cover);
  }
  there.assign(1, {0, Addr{}});
  compare(100);
  EXPECT_EQ(trie.groups(), 0u);
}

TEST(RouteTrie, a_hundred_thousand_changing_ipv4_prefixes_match_as_the_definition_says) {
  changes_agree_with_the_definition<Ip4Addr>(test::rounds(100'000), test::rounds(100'000));
}
TEST(RouteTrie, twenty_thousand_changing_ipv6_prefixes_match_as_the_definition_says) {
  changes_agree_with_the_definition<Ip6Addr>(test::rounds(20'000), test::rounds(20'000));
}

TEST(RouteTrie, every_length_at_both_ends_of_the_address_space) {
  test::start_eal();
  RouteTrie<Ip6Addr> trie{1u << 16};
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
}

TEST(RouteTrie, without_memory_a_route_is_refused_and_the_others_stay) {
  test::start_eal();
  RouteTrie<Ip4Addr> trie{1023};  // one chunk: 1,024 groups
  uint32_t refused = 0;
  for (uint32_t i = 0; i < 2000; ++i) refused += !trie.set({i << 16 | 0x0101}, 32, 1 + i);
  EXPECT_EQ(refused, 2000u - 512u) << "a host takes two groups";
  for (uint32_t i = 0; i < 2000; ++i) EXPECT_EQ(trie.lookup({i << 16 | 0x0101}), i < 512 ? 1 + i : 0u);
  trie.clear({0x0101}, 32, 0, 0);
  EXPECT_TRUE(trie.set({0xffff'0101}, 32, 7)) << "what was given back is used again";
}

// A grace period that passes when the test says so.
struct ByHand final : Grace {
  uint64_t now = 0, done = 0;
  uint64_t start() override { return ++now; }
  bool passed(uint64_t token) override { return token <= done; }
};

TEST(RouteTrie, a_group_is_not_used_again_while_a_reader_may_be_in_it) {
  test::start_eal();
  ByHand grace;
  RouteTrie<Ip4Addr> trie{1023};
  trie.readers_from_now_on(&grace);
  for (uint32_t i = 0; i < 512; ++i) ASSERT_TRUE(trie.set({i << 16 | 0x0101}, 32, 1));
  trie.clear({0x0101}, 32, 0, 0);
  EXPECT_FALSE(trie.set({0x0101}, 32, 1));
  grace.done = grace.now;
  EXPECT_TRUE(trie.set({0x0101}, 32, 1));
}

}  // namespace
}  // namespace sluice::ip
