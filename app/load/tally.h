// SPDX-License-Identifier: Apache-2.0
// What a run counts. The polling core writes; the control thread reads at any time and sees a recent state.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "app/load/histogram.h"

namespace sluice::load {

enum class Fault : uint8_t {
#define FAULT(id, name) id,
#include "app/load/faults.def"
#undef FAULT
};
constexpr size_t fault_count = 0
#define FAULT(id, name) +1
#include "app/load/faults.def"
#undef FAULT
    ;
const char* name_of(Fault);

// A number with one writer.
class Count {
 public:
  void add(uint64_t n = 1) { v_.store(v_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void take(uint64_t n) { v_.store(v_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed); }
  void set(uint64_t n) { v_.store(n, std::memory_order_relaxed); }
  operator uint64_t() const { return v_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> v_{0};
};

struct Tally {
  Count offered;     // requests, queries or packets that were due
  Count sent;        // that left
  Count received;    // right answers
  Count octets;      // of what came: content of responses, DNS messages, frames
  Count octets_out;  // of what was sent, where that is the point (uploads)
  Count duplicated, reordered, corrupted, strange;
  Count connections;  // opened
  Count flood, flood_answers;
  std::array<Count, fault_count> faults;
  Histogram latency;  // nanoseconds

  void fault(Fault f, uint64_t n = 1) { faults[static_cast<size_t>(f)].add(n); }
  uint64_t all_faults() const {
    uint64_t n = 0;
    for (const Count& c : faults) n += c;
    return n;
  }
  void clear() {
    for (Count* c : {&offered, &sent, &received, &octets, &octets_out, &duplicated, &reordered, &corrupted,
                     &strange, &connections, &flood, &flood_answers})
      c->set(0);
    for (Count& c : faults) c.set(0);
    latency.clear();
  }
};

}  // namespace sluice::load
