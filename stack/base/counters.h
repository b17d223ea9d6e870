// SPDX-License-Identifier: Apache-2.0
// The counters of one worker, and what is known of each. One writer, any number of readers, no lock prefix.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/lines.h"

namespace sluice {

enum class Counter : uint16_t {
#define DROP(room, reason, help) room##_##reason,
#define COUNT(id, metric, label, value, help) id,
#include "base/counters.def"
#undef DROP
#undef COUNT
};

struct CounterInfo {
  const char* metric;     // Prometheus metric name, "sluice_drops_total" for every drop
  const char* labels[4];  // name, value, name, value; null from the first unused
  const char* help;
  bool is_drop;
};

// What stands in counters.def, in the order of Counter.
std::span<const CounterInfo> counter_table();

constexpr size_t counter_count = 0
#define DROP(room, reason, help) +1
#define COUNT(id, metric, label, value, help) +1
#include "base/counters.def"
#undef DROP
#undef COUNT
    ;

// Owned by one worker, which alone adds; other threads may read at any time and see a recent value.
class alignas(cache_line) Counters {
 public:
  void add(Counter c, uint64_t n = 1) {
    auto& v = values_[static_cast<size_t>(c)];
    v.store(v.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t operator[](Counter c) const {
    return values_[static_cast<size_t>(c)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<uint64_t>, counter_count> values_{};
};
static_assert(owns_its_lines<Counters>);

}  // namespace sluice
