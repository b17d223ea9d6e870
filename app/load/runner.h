// SPDX-License-Identifier: Apache-2.0
// Runs a load through its phases on the polling core, while the control thread tells how it goes.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "app/load/load.h"
#include "base/instant.h"

namespace sluice::load {

// What the polling core spent: a turn that moved a packet is busy.
struct Effort {
  Duration busy, all;
  double busy_share() const {
    return all.ns <= 0 ? 0 : static_cast<double>(busy.ns) / static_cast<double>(all.ns);
  }
};

class Runner {
 public:
  struct Times {
    Duration warmup, duration, drain, patience;
  };
  Runner(Load& load, const Times& times) : load_{load}, times_{times} {}

  // On the polling core: all phases. When the load does not get ready, missing() says why.
  void run();
  // Another thread: ends the run early; what was measured until then counts.
  void interrupt() { interrupted_.store(true, std::memory_order_relaxed); }

  enum class Phase : uint8_t { Preparing, Warmup, Measuring, Draining, Over };
  Phase phase() const { return phase_.load(std::memory_order_acquire); }
  const std::string& missing() const { return missing_; }  // when Over; empty: it ran
  Duration measured() const { return measured_; }          // when Over
  const Effort& effort() const { return effort_; }         // when Over, of the measured time
  uint64_t busy_ns() const { return busy_ns_; }            // so far, for the progress line

 private:
  bool prepare(Instant& now);
  template <class Until>
  void turns(Instant& now, Effort& effort, Until&& until);
  void enter(Phase p) { phase_.store(p, std::memory_order_release); }

  Load& load_;
  Times times_;
  std::atomic<bool> interrupted_{false};
  std::atomic<Phase> phase_{Phase::Preparing};
  Count busy_ns_;
  std::string missing_;
  Duration measured_{};
  Effort effort_;
};

}  // namespace sluice::load
