// SPDX-License-Identifier: Apache-2.0
#include "app/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/rng.h"

namespace sluice::load {
namespace {

TEST(Histogram, an_empty_one_has_nothing_to_say) {
  const Histogram h;
  EXPECT_EQ(h.count(), 0u);
  EXPECT_EQ(h.quantile(0.99), 0u);
  EXPECT_EQ(h.max(), 0u);
  EXPECT_EQ(h.mean(), 0);
}

TEST(Histogram, small_values_are_exact) {
  Histogram h;
  for (uint64_t v = 1; v <= 100; ++v) h.record(v);
  EXPECT_EQ(h.quantile(0.5), 50u);
  EXPECT_EQ(h.quantile(0.99), 99u);
  EXPECT_EQ(h.quantile(1), 100u);
  EXPECT_EQ(h.quantile(0), 1u);
  EXPECT_EQ(h.mean(), 50.5);
}

TEST(Histogram, steps_join_without_a_gap_and_keep_their_order) {
  size_t before = 0;
  for (uint64_t v = 0; v < 200'000; ++v) {
    const size_t place = histogram::place(v);
    ASSERT_TRUE(place == before || place == before + 1) << v;
    ASSERT_LE(v, histogram::last_of(place));
    if (place > 0) {
      ASSERT_GT(v, histogram::last_of(place - 1));
    }
    before = place;
  }
}

TEST(Histogram, a_percentile_is_off_by_less_than_two_in_a_hundred) {
  Rng rng{7};
  Histogram h;
  std::vector<uint64_t> all;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t v = uint64_t{1} << rng.below(30);
    all.push_back(v + rng.below(v));
    h.record(all.back());
  }
  std::ranges::sort(all);
  for (const double share : {0.1, 0.5, 0.9, 0.99, 0.999}) {
    const auto exact = static_cast<double>(all[static_cast<size_t>(share * 100'000) - 1]);
    EXPECT_GE(static_cast<double>(h.quantile(share)), exact) << share;
    EXPECT_LE(static_cast<double>(h.quantile(share)), exact * 1.02) << share;
  }
  EXPECT_EQ(h.max(), all.back());
}

TEST(Histogram, what_is_longer_than_eighteen_minutes_is_still_counted) {
  Histogram h;
  h.record(UINT64_MAX / 2);
  EXPECT_EQ(h.count(), 1u);
  EXPECT_EQ(h.max(), UINT64_MAX / 2);
  EXPECT_GE(h.quantile(0.5), (uint64_t{1} << 40) - 1);
}

TEST(Histogram, clearing_forgets_everything) {
  Histogram h;
  h.record(5'000);
  h.clear();
  EXPECT_EQ(h.count(), 0u);
  EXPECT_EQ(h.quantile(1), 0u);
  EXPECT_EQ(h.max(), 0u);
}

}  // namespace
}  // namespace sluice::load
