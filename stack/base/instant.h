// SPDX-License-Identifier: Apache-2.0
// Time as a value. Nothing under stack/ but io/ reads a clock: `now` is an argument everywhere.
#pragma once

#include <compare>
#include <cstdint>

namespace sluice {

// A signed span of time, in nanoseconds.
struct Duration {
  int64_t ns = 0;

  static constexpr Duration from_us(int64_t us) { return {us * 1'000}; }
  static constexpr Duration from_ms(int64_t ms) { return {ms * 1'000'000}; }
  static constexpr Duration from_s(int64_t s) { return {s * 1'000'000'000}; }

  constexpr int64_t us() const { return ns / 1'000; }
  constexpr int64_t ms() const { return ns / 1'000'000; }
  constexpr double seconds() const { return static_cast<double>(ns) / 1e9; }

  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.ns + b.ns}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.ns - b.ns}; }
  friend constexpr Duration operator*(Duration d, int64_t n) { return {d.ns * n}; }
  friend constexpr Duration operator/(Duration d, int64_t n) { return {d.ns / n}; }
};

// A moment on the monotonic clock, in nanoseconds since an arbitrary start that is never 0 in a running
// process.
struct Instant {
  uint64_t ns = 0;

  static constexpr Instant never() { return {UINT64_MAX}; }

  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant t, Duration d) {
    return t == never() ? t : Instant{t.ns + static_cast<uint64_t>(d.ns)};
  }
  friend constexpr Instant operator-(Instant t, Duration d) { return {t.ns - static_cast<uint64_t>(d.ns)}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return {static_cast<int64_t>(a.ns - b.ns)}; }
};

inline namespace literals {
constexpr Duration operator""_ns(unsigned long long n) { return {static_cast<int64_t>(n)}; }
constexpr Duration operator""_us(unsigned long long n) { return Duration::from_us(static_cast<int64_t>(n)); }
constexpr Duration operator""_ms(unsigned long long n) { return Duration::from_ms(static_cast<int64_t>(n)); }
constexpr Duration operator""_s(unsigned long long n) { return Duration::from_s(static_cast<int64_t>(n)); }
}  // namespace literals

static_assert(1_s == 1000_ms && 1_ms == 1000_us);
static_assert(Instant::never() + 1_s == Instant::never());

}  // namespace sluice
