// SPDX-License-Identifier: Apache-2.0
// Latencies, counted: 64 equal steps in each power of two, so that a percentile is off by less than 1.6 %.
// One writer; any thread may read, and sees a recent state.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace sluice::load {

namespace histogram {

constexpr unsigned bits = 6;  // of steps within a power of two
constexpr unsigned most = 40;
constexpr size_t steps = size_t{1} << bits;

// The step a value belongs to.
constexpr size_t place(uint64_t v) {
  if (v < steps) return v;
  if (v >> most != 0) v = (uint64_t{1} << most) - 1;
  const auto shift = static_cast<unsigned>(std::bit_width(v)) - 1 - bits;
  return (shift + 1) * steps + static_cast<size_t>((v >> shift) - steps);
}
// The greatest value of a step.
constexpr uint64_t last_of(size_t i) {
  if (i < 2 * steps) return i;
  const size_t shift = i / steps - 1;
  return ((steps + i % steps + 1) << shift) - 1;
}
static_assert(place(63) == 63 && place(64) == 64 && place(127) == 127 && place(128) == 128);
static_assert(last_of(128) == 129 && place(129) == 128 && place(130) == 129);

}  // namespace histogram

class Histogram {
 public:
  // One more value, in nanoseconds; above 2^40 (18 minutes) it counts as that.
  void record(uint64_t ns) {
    add(counts_[histogram::place(ns)], 1);
    add(count_, 1);
    add(sum_, ns);
    if (ns > max_.load(std::memory_order_relaxed)) max_.store(ns, std::memory_order_relaxed);
  }
  void clear() {
    for (auto& c : counts_) c.store(0, std::memory_order_relaxed);
    count_.store(0, std::memory_order_relaxed);
    sum_.store(0, std::memory_order_relaxed);
    max_.store(0, std::memory_order_relaxed);
  }

  uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  uint64_t max() const { return max_.load(std::memory_order_relaxed); }
  double mean() const {
    const uint64_t n = count();
    return n == 0 ? 0 : static_cast<double>(sum_.load(std::memory_order_relaxed)) / static_cast<double>(n);
  }
  // The least recorded step below or at which `share` (0 to 1) of the values lie, by the step's upper end;
  // never above max(). 0 when nothing was recorded.
  uint64_t quantile(double share) const {
    const uint64_t n = count();
    if (n == 0) return 0;
    const double exact = share * static_cast<double>(n);
    auto wanted = static_cast<uint64_t>(exact);
    if (static_cast<double>(wanted) < exact || wanted == 0) ++wanted;
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i].load(std::memory_order_relaxed);
      if (seen >= wanted) return std::min(histogram::last_of(i), max());
    }
    return max();
  }

 private:
  static void add(std::atomic<uint64_t>& v, uint64_t n) {
    v.store(v.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  std::array<std::atomic<uint64_t>, (histogram::most - histogram::bits + 1) * histogram::steps> counts_{};
  std::atomic<uint64_t> count_{0}, sum_{0}, max_{0};
};

}  // namespace sluice::load
