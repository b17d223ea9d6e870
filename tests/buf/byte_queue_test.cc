// SPDX-License-Identifier: Apache-2.0
#include "buf/byte_queue.h"

#include <gtest/gtest.h>

#include <string>

#include "support/eal.h"

namespace sluice::buf {
namespace {

std::string text(const ByteQueue& q, size_t offset, size_t length) {
  std::string s(length, '?');
  s.resize(q.copy(offset, {reinterpret_cast<uint8_t*>(s.data()), s.size()}));
  return s;
}

struct Fixture : testing::Test {
  std::string a = "hello ", b = "wor", c = "ld";
  Chunk chunks[3] = {chunk(a), chunk(b), chunk(c)};
  LinkPool links{3};
  ByteQueue q{links};

  static Chunk chunk(std::string& s) {
    return {.data = reinterpret_cast<uint8_t*>(s.data()), .size = static_cast<uint32_t>(s.size())};
  }
  void fill() {
    for (Chunk& k : chunks) ASSERT_TRUE(q.push(Slice{k, 0, k.size}));
  }
};
using ByteQueueTest = Fixture;

TEST_F(ByteQueueTest, copies_across_slices_from_any_offset) {
  fill();
  EXPECT_EQ(q.size(), 11u);
  EXPECT_EQ(text(q, 0, 100), "hello world");
  EXPECT_EQ(text(q, 4, 4), "o wo");
  EXPECT_EQ(text(q, 11, 4), "");
}

TEST_F(ByteQueueTest, consuming_frees_whole_slices_and_cuts_the_next) {
  fill();
  q.consume(7);
  EXPECT_EQ(chunks[0].refs, 0u);
  EXPECT_EQ(chunks[1].refs, 1u);
  EXPECT_EQ(text(q, 0, 100), "orld");
  q.consume(4);
  EXPECT_TRUE(q.empty());
  EXPECT_EQ(links.free(), 3u);
  fill();
  EXPECT_EQ(text(q, 0, 100), "hello world");
}

TEST_F(ByteQueueTest, received_packets_are_counted_however_they_leave) {
  const auto received = [] {
    test::start_eal();
    buf::Packet p = test::packet_of(as_bytes("text"));
    return Slice{std::move(p), 0, 4};
  };
  ByteQueue other{links};
  ASSERT_TRUE(q.push(received()));
  ASSERT_TRUE(q.push(Slice{chunks[0], 0, 1}));
  ASSERT_TRUE(other.push(received()));
  EXPECT_FALSE(other.push(received())) << "no link left";
  EXPECT_EQ(links.packets(), 2u) << "a chunk is no packet";
  q.append(other);
  EXPECT_EQ(links.packets(), 2u);
  q.pop();
  EXPECT_EQ(links.packets(), 1u);
  q.consume(3);  // the chunk's octet and a part of the last
  EXPECT_EQ(links.packets(), 1u) << "a part keeps the whole";
  q.clear();
  EXPECT_EQ(links.packets(), 0u);
}

TEST_F(ByteQueueTest, what_is_behind_the_first_octets_can_be_forgotten) {
  fill();
  const size_t all = q.size();
  std::string before(all, 0), after(all, 0);
  q.copy(0, {reinterpret_cast<uint8_t*>(before.data()), all});
  for (size_t n = all; n-- > 0;) {
    q.truncate(n);
    EXPECT_EQ(q.size(), n);
    EXPECT_EQ(q.copy(0, {reinterpret_cast<uint8_t*>(after.data()), all}), n);
    EXPECT_EQ(after.substr(0, n), before.substr(0, n));
  }
  EXPECT_EQ(q.slices(), 0u);
  fill();
  EXPECT_EQ(q.size(), all) << "the links came back";
}

TEST_F(ByteQueueTest, a_full_pool_refuses_and_keeps_the_slice_with_its_giver) {
  fill();
  Slice extra{chunks[0], 0, 5};
  EXPECT_FALSE(q.push(std::move(extra)));
  EXPECT_EQ(extra.size(), 5u);  // NOLINT(bugprone-use-after-move): refused, so not moved
}

TEST_F(ByteQueueTest, a_range_names_each_slice_with_its_offset) {
  fill();
  std::vector<std::pair<uint32_t, uint32_t>> seen;
  q.for_range(5, 5, [&](const Slice&, uint32_t at, uint32_t n) { seen.emplace_back(at, n); });
  EXPECT_EQ(seen, (std::vector<std::pair<uint32_t, uint32_t>>{{5, 1}, {0, 3}, {0, 1}}));
}

}  // namespace
}  // namespace sluice::buf
