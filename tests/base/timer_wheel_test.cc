// SPDX-License-Identifier: Apache-2.0
#include "base/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"

namespace sluice {
namespace {

constexpr Duration tick{1 << 20};

TEST(TimerWheel, fires_each_timer_once_not_early_and_at_most_a_tick_late_however_time_jumps) {
  Rng rng{9};
  TimerWheel w{256};
  std::map<uint32_t, Instant> model;
  Instant now{123'456'789'012'345};
  w.expire(now, 1000, [](uint32_t) { FAIL(); });
  for (int round = 0; round < 20'000; ++round) {
    for (int k = 0; k < 4; ++k) {
      const auto id = static_cast<uint32_t>(rng.below(256));
      if (rng.chance(0.3)) {
        w.cancel(id);
        model.erase(id);
        continue;
      }
      const Duration d{static_cast<int64_t>(rng.below(1ull << rng.below(45)))};
      w.arm(id, now + d);
      model[id] = now + d;
    }
    const Instant next = w.next();
    for (const auto& [id, at] : model) ASSERT_LE(next, at + tick);
    now = now + Duration{static_cast<int64_t>(rng.below(1ull << rng.below(42)))};
    while (w.expire(now, 3, [&](uint32_t id) {
      ASSERT_TRUE(model.contains(id)) << "a timer that is not armed";
      ASSERT_LE(model[id], now) << "early";
      model.erase(id);
    })) {
    }
    for (const auto& [id, at] : model) ASSERT_GT(at + tick, now) << "late";
    ASSERT_EQ(w.armed(), model.size());
  }
}

TEST(TimerWheel, next_leads_to_the_timer_in_few_steps) {
  TimerWheel w{4};
  Instant now{1'000'000'000};
  w.arm(2, now + 3'600_s);
  int steps = 0;
  for (bool fired = false; !fired; ++steps) {
    now = std::max(now, w.next());
    w.expire(now, 10, [&](uint32_t) { fired = true; });
    ASSERT_LT(steps, 12);
  }
  EXPECT_GE(now, Instant{1'000'000'000} + 3'600_s);
  EXPECT_EQ(w.next(), Instant::never());
}

TEST(TimerWheel, a_timer_may_arm_itself_and_cancel_others_while_it_fires) {
  TimerWheel w{3};
  Instant now{1'000'000'000};
  w.arm(0, now + 5_ms);
  w.arm(1, now + 5_ms);
  int fired = 0;
  now = now + 10_ms;
  w.expire(now, 10, [&](uint32_t id) {
    ++fired;
    w.cancel(1 - id);
    w.arm(id, now + 5_ms);
  });
  EXPECT_EQ(fired, 1);
  now = now + 10_ms;
  w.expire(now, 10, [&](uint32_t) { ++fired; });
  EXPECT_EQ(fired, 2);
}

TEST(TimerWheel, one_call_fires_no_more_than_it_is_allowed) {
  TimerWheel w{10};
  Instant now{1'000'000'000};
  for (uint32_t i = 0; i < 10; ++i) w.arm(i, now);
  int fired = 0;
  EXPECT_TRUE(w.expire(now + 5_ms, 4, [&](uint32_t) { ++fired; }));
  EXPECT_EQ(fired, 4);
  EXPECT_FALSE(w.expire(now + 5_ms, 100, [&](uint32_t) { ++fired; }));
  EXPECT_EQ(fired, 10);
}

}  // namespace
}  // namespace sluice
