// SPDX-License-Identifier: Apache-2.0
#include "app/load/pace.h"

#include <gtest/gtest.h>

namespace sluice::load {
namespace {

TEST(Pace, nothing_is_due_before_the_start_and_the_first_at_it) {
  const Pace p{Instant{1'000'000'000}, 1'000};
  EXPECT_EQ(p.due(Instant{999'999'999}), 0u);
  EXPECT_EQ(p.due(Instant{1'000'000'000}), 1u);
}

TEST(Pace, what_is_due_by_its_moment_is_due_no_earlier) {
  for (const double rate : {1.0, 7.0, 1e3, 333'333.0, 14.88e6}) {
    const Pace p{Instant{5'000'000'000}, rate};
    for (const uint64_t n : {1ull, 2ull, 17ull, 1'000ull, 123'456ull}) {
      const Instant at = p.at(n);
      EXPECT_GE(p.due(at + 2_ns), n + 1) << rate << " " << n;
      EXPECT_LE(p.due(at - 2_ns), n + 1) << rate << " " << n;
    }
  }
}

TEST(Pace, a_second_holds_the_rate) {
  const Pace p{Instant{1}, 250'000};
  EXPECT_NEAR(static_cast<double>(p.due(Instant{1} + 1_s)), 250'000, 1);
  EXPECT_NEAR(static_cast<double>(p.due(Instant{1} + 3600_s)), 900e6, 2);
}

}  // namespace
}  // namespace sluice::load
