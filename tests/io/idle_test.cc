// SPDX-License-Identifier: Apache-2.0
#include "io/idle.h"

#include <gtest/gtest.h>

#include <thread>

#include "io/clock.h"
#include "io/frames.h"

namespace sluice::io {
namespace {

TEST(idle, accounts_each_turn_by_whether_it_worked) {
  Waker waker;
  Counters count;
  Idle idle{IdleMode::latency, waker, count};
  const Instant start{1'000'000};
  idle.rest(true, start, Instant::never());
  idle.rest(false, start + 30_us, Instant::never());
  idle.rest(false, start + 50_us, Instant::never());
  idle.rest(true, start + 55_us, Instant::never());
  idle.rest(true, start + 60_us, Instant::never());
  EXPECT_EQ(count[Counter::io_busy_ns], 35'000u);
  EXPECT_EQ(count[Counter::io_idle_ns], 25'000u);
}

TEST(idle, latency_never_sleeps) {
  Waker waker;
  Counters count;
  Idle idle{IdleMode::latency, waker, count};
  for (uint64_t ms = 1; ms < 10'000; ++ms) idle.rest(false, Instant{ms * 1'000'000}, Instant::never());
  EXPECT_EQ(count[Counter::io_sleeps], 0u);
}

TEST(idle, work_and_the_spin_after_it_keep_balanced_awake) {
  Waker waker;
  Counters count;
  Idle idle{IdleMode::balanced, waker, count};
  Instant now{1'000'000};
  for (int i = 0; i < 100; ++i) {
    idle.rest(true, now, Instant::never());
    now = now + 49_us;
    idle.rest(false, now, Instant::never());
    now = now + 1_us;
  }
  EXPECT_EQ(count[Counter::io_sleeps], 0u);
}

TEST(idle, one_more_turn_is_granted_between_arming_and_sleep) {
  Waker waker;
  Counters count;
  Idle idle{IdleMode::balanced, waker, count};
  idle.rest(true, Instant{1'000'000}, Instant::never());
  idle.rest(false, Instant{1'000'000} + 60_us, Instant::never());
  EXPECT_EQ(count[Counter::io_sleeps], 0u) << "armed, and back to look once more";
  idle.rest(false, Instant{1'000'000} + 61_us, Instant::never());
  EXPECT_EQ(count[Counter::io_sleeps], 1u);
}

TEST(idle, a_deadline_that_has_come_is_not_slept_over) {
  Waker waker;
  Counters count;
  Idle idle{IdleMode::efficient, waker, count};
  const Instant now{5'000'000};
  for (int i = 0; i < 10; ++i) idle.rest(false, now, now);
  EXPECT_EQ(count[Counter::io_sleeps], 0u);
}

// A worker that sleeps for 100 ms at a time is given work 200 times. Each hand-over is noticed: were one
// lost, the worker would sleep its time out without an event, and io_wakeups would fall behind.
TEST(idle, work_handed_over_by_another_thread_is_never_slept_over) {
  test::start_eal();
  Waker waker;
  Counters count;
  Idle idle{IdleMode::efficient, waker, count};
  std::atomic<int> given{0}, taken{0};
  std::atomic<bool> stop{false};
  std::thread worker{[&] {
    while (!stop.load()) {
      const int g = given.load(std::memory_order_acquire);
      const bool worked = taken.load() != g;
      taken.store(g);
      idle.rest(worked, now(), Instant::never());
    }
  }};
  const Instant start = now();
  for (int i = 1; i <= 200; ++i) {
    given.store(i, std::memory_order_release);
    waker.wake();
    while (taken.load() != i) std::this_thread::yield();
  }
  const Duration took = now() - start;
  stop.store(true);
  waker.wake();
  worker.join();
  // 200 lost wake-ups would take 20 s.
  EXPECT_LT(took, 10_s);
  EXPECT_GT(count[Counter::io_wakeups], 0u);
}

}  // namespace
}  // namespace sluice::io
