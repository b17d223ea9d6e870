// SPDX-License-Identifier: Apache-2.0
#include "serve/deadlines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace sluice::serve {
namespace {

constexpr Instant start{1'000};

TEST(Deadlines, are_due_in_their_order_and_once) {
  Deadlines d{4};
  const uint32_t slow = d.add_list(10_s), fast = d.add_list(1_s);
  EXPECT_EQ(d.deadline(), Instant::never());
  d.arm(0, slow, start);
  d.arm(1, fast, start + 1_s);
  d.arm(2, slow, start + 2_s);
  EXPECT_EQ(d.deadline(), start + 2_s);
  d.arm(0, slow, start + 3_s);  // again: now behind 2
  std::vector<uint32_t> due;
  const auto note = [&](uint32_t thing, uint32_t) { due.push_back(thing); };
  EXPECT_EQ(d.expire(start + 12_s, 9, note), 2u);
  EXPECT_EQ(due, (std::vector<uint32_t>{2, 1}));
  EXPECT_EQ(d.deadline(), start + 13_s);
  d.disarm(0);
  d.disarm(0);
  EXPECT_EQ(d.deadline(), Instant::never());
}

TEST(Deadlines, agree_with_a_plain_table_over_random_use) {
  constexpr uint32_t things = 50;
  Deadlines d{things};
  std::vector<std::pair<uint32_t, Duration>> lists;
  for (const Duration w : {5_ms, 20_ms, 100_ms}) lists.emplace_back(d.add_list(w), w);
  std::vector<Instant> table(things, Instant::never());
  Rng rng{7};
  Instant now = start;
  for (int i = 0; i < 20'000; ++i) {
    now = now + 1_ms;
    const auto thing = static_cast<uint32_t>(rng.below(things));
    if (rng.chance(0.3)) {
      d.disarm(thing);
      table[thing] = Instant::never();
    } else {
      const auto& [list, wait] = lists[rng.below(lists.size())];
      d.arm(thing, list, now);
      table[thing] = now + wait;
    }
    ASSERT_EQ(d.deadline(), *std::min_element(table.begin(), table.end()));
    d.expire(now, 2, [&](uint32_t due, uint32_t) {
      ASSERT_LE(table[due], now);
      table[due] = Instant::never();
    });
  }
}

}  // namespace
}  // namespace sluice::serve
