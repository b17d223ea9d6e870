// SPDX-License-Identifier: Apache-2.0
#include "wire/checksum.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"
#include "wire/tuple.h"

namespace sluice::wire {
namespace {

// RFC 1071 §1, word by word, as slow as it is plain.
uint16_t plain(Bytes b) {
  uint64_t s = 0;
  for (size_t i = 0; i < b.size(); i += 2) s += b[i] << 8 | (i + 1 < b.size() ? b[i + 1] : 0);
  while (s >> 16) s = (s & 0xffff) + (s >> 16);
  return static_cast<uint16_t>(s);
}

TEST(Checksum, sums_the_example_of_rfc_1071) {
  const uint8_t b[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(Sum{}.add(b).folded(), 0xddf2);
}

TEST(Checksum, agrees_with_the_plain_sum_at_every_length_and_alignment) {
  Rng rng{1};
  std::vector<uint8_t> bytes(1600);
  for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng());
  for (size_t length = 0; length < 400; ++length)
    for (size_t at = 0; at < 9; ++at) {
      const Bytes b = Bytes{bytes}.subspan(at, length);
      EXPECT_EQ(Sum{}.add(b).folded(), plain(b)) << at << " " << length;
    }
  EXPECT_EQ(Sum{}.add(bytes).folded(), plain(bytes));
}

TEST(Checksum, pieces_add_up_to_the_whole_wherever_it_is_cut) {
  Rng rng{3};
  std::vector<uint8_t> bytes(301);
  for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng());
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const Sum behind = Sum{}.add(Bytes{bytes}.subspan(cut));
    const Sum all = Sum{}.add(Bytes{bytes}.first(cut)).add(cut % 2 == 0 ? behind : behind.shifted());
    EXPECT_EQ(all.folded(), plain(bytes)) << cut;
  }
}

TEST(Checksum, words_and_addresses_count_as_their_octets_do) {
  const Ip6Addr six{{0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x12, 0x34, 0x56, 0x78}};
  EXPECT_EQ(Sum{}.add(IpAddr{six}).folded(), plain(six.b));
  const Ip4Addr four = Ip4Addr::of(198, 18, 255, 254);
  const uint8_t octets[] = {198, 18, 255, 254, 0x12, 0x34};
  EXPECT_EQ(Sum{}.add(IpAddr{four}).add(uint16_t{0x1234}).folded(), plain(octets));
  EXPECT_EQ(Sum{}.add_two(0xc612fffe).add(uint16_t{0x1234}).folded(), plain(octets));
}

TEST(Checksum, carries_come_round_however_many_there_are) {
  const std::vector<uint8_t> ones(65'535, 0xff);
  EXPECT_EQ(Sum{}.add(ones).folded(), plain(ones));
  Sum sum;
  for (int i = 0; i < 1000; ++i) sum.add(Bytes{ones}.first(96));
  EXPECT_EQ(sum.folded(), 0xffff);
}

TEST(Checksum, incremental_update_equals_summing_again) {
  Rng rng{2};
  for (int i = 0; i < 10000; ++i) {
    uint8_t b[8];
    for (uint8_t& x : b) x = static_cast<uint8_t>(rng());
    const uint16_t before = Sum{}.add(b).checksum();
    const auto was = load_be<uint16_t>(b + 2);
    const auto is = static_cast<uint16_t>(rng());
    store_be<uint16_t>(b + 2, is);
    const uint16_t after = update(before, was, is);
    const auto zero = [](uint16_t sum) { return sum == 0 || sum == 0xffff; };  // the same sum, RFC 1624 §3
    const uint16_t again = Sum{}.add(b).checksum();
    EXPECT_TRUE(after == again || (zero(after) && zero(again))) << after << " " << again;
  }
}

// The verification suite that Microsoft publishes for RSS, IPv4 with TCP ports, with its key.
TEST(Toeplitz, agrees_with_the_published_rss_vectors) {
  const RssKey key = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
                      0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
                      0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};
  struct {
    Ip4Addr src, dst;
    uint16_t sport, dport;
    uint32_t ports, addresses;
  } const cases[] = {
      {Ip4Addr::of(66, 9, 149, 187), Ip4Addr::of(161, 142, 100, 80), 2794, 1766, 0x51ccc178, 0x323e8fc2},
      {Ip4Addr::of(199, 92, 111, 2), Ip4Addr::of(65, 69, 140, 83), 14230, 4739, 0xc626b0ea, 0xd718262a},
  };
  for (const auto& c : cases) {
    uint8_t in[12];
    c.src.store(in);
    c.dst.store(in + 4);
    store_be(in + 8, c.sport);
    store_be(in + 10, c.dport);
    EXPECT_EQ(toeplitz(key, in), c.ports);
    EXPECT_EQ(toeplitz(key, Bytes{in}.first(8)), c.addresses);
  }
}

}  // namespace
}  // namespace sluice::wire
