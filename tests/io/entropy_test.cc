// SPDX-License-Identifier: Apache-2.0
#include "io/entropy.h"

#include <gtest/gtest.h>

#include <array>

#include "io/clock.h"
#include "support/eal.h"

namespace sluice::io {
namespace {

TEST(entropy, fills_all_of_what_it_is_given) {
  std::array<uint8_t, 4096> a{};
  random_bytes(a);
  // 16 octets that all stayed zero happen once in 2^128.
  for (size_t i = 0; i < a.size(); i += 16)
    EXPECT_TRUE(std::any_of(a.begin() + i, a.begin() + i + 16, [](uint8_t x) { return x != 0; }));
}

TEST(entropy, keys_differ) {
  EXPECT_NE(random_seed(), random_seed());
  EXPECT_NE(random_rss_key(), random_rss_key());
}

TEST(clock, moves_forward_from_a_start_that_is_not_0) {
  test::start_eal();
  Instant last = now();
  EXPECT_GT(last.ns, 0u);
  for (int i = 0; i < 100'000; ++i) {
    const Instant next = now();
    ASSERT_GE(next, last);
    last = next;
  }
}

}  // namespace
}  // namespace sluice::io
