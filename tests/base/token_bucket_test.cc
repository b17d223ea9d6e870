// SPDX-License-Identifier: Apache-2.0
#include "base/token_bucket.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

int taken(TokenBucket& b, Instant now) {
  int n = 0;
  while (b.take(now)) ++n;
  return n;
}

TEST(TokenBucket, gives_a_burst_then_the_rate_and_saves_no_more_than_a_burst) {
  TokenBucket b{10, 5};
  Instant now{1'000'000'000};
  EXPECT_EQ(taken(b, now), 5);
  EXPECT_EQ(taken(b, now + 99_ms), 0);
  EXPECT_EQ(taken(b, now + 100_ms), 1);
  EXPECT_EQ(taken(b, now + 400_ms), 3);
  EXPECT_EQ(taken(b, now + 3600_s), 5);
}

TEST(TokenBucket, takes_all_or_nothing) {
  TokenBucket b{10, 5};
  const Instant now{1};
  EXPECT_FALSE(b.take(now, 6));
  EXPECT_TRUE(b.take(now, 3));
  EXPECT_FALSE(b.take(now, 3));
  EXPECT_TRUE(b.take(now, 2));
}

TEST(TokenBucket, owes_what_it_took_too_much) {
  TokenBucket b{10, 2};
  Instant now{1};
  EXPECT_TRUE(b.take_owing(now, 0));
  EXPECT_TRUE(b.take_owing(now, 4));  // two more than there are
  EXPECT_FALSE(b.take_owing(now + 200_ms, 0));
  EXPECT_TRUE(b.take_owing(now + 300_ms, 0));
}

}  // namespace
}  // namespace sluice
