// SPDX-License-Identifier: Apache-2.0
// How every benchmark here tells its result: cycles of the time stamp counter per item.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

#include "io/clock.h"

namespace sluice::perf {

// Counts from its making to report(); what stop() and start() stand around does not count.
class Cycles {
 public:
  void start() { since_ = io::ticks(); }
  void stop() { spent_ += io::ticks() - since_; }
  void report(benchmark::State& state, uint64_t items) {
    state.counters["cycles/item"] = static_cast<double>(spent_) / static_cast<double>(items != 0 ? items : 1);
    state.SetItemsProcessed(static_cast<int64_t>(items));
  }

 private:
  uint64_t since_ = io::ticks();
  uint64_t spent_ = 0;
};

}  // namespace sluice::perf
