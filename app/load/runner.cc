// SPDX-License-Identifier: Apache-2.0
#include "app/load/runner.h"

#include "io/clock.h"

namespace sluice::load {

// Until `until(now)`, told before each turn. One clock read a turn.
template <class Until>
void Runner::turns(Instant& now, Effort& effort, Until&& until) {
  const Instant began = now;
  while (!until(now) && !interrupted_.load(std::memory_order_relaxed)) {
    const size_t moved = load_.turn(now);
    const Instant then = io::now();
    if (moved != 0) {
      effort.busy = effort.busy + (then - now);
      busy_ns_.add(static_cast<uint64_t>((then - now).ns));
    }
    now = then;
  }
  effort.all = now - began;
}

bool Runner::prepare(Instant& now) {
  const Instant patience = now + times_.patience;
  bool ready = false;
  Effort ignored;
  turns(now, ignored, [&](Instant t) { return (ready = load_.ready(t)) || t >= patience; });
  return ready;
}

void Runner::run() {
  Instant now = io::now();
  if (!prepare(now)) {
    missing_ = interrupted_.load(std::memory_order_relaxed) ? "interrupted" : load_.missing();
  } else {
    Effort warmup;
    enter(Phase::Warmup);
    load_.start(now);
    turns(now, warmup, [end = now + times_.warmup](Instant t) { return t >= end; });
    load_.tally.clear();
    load_.measure(now);
    enter(Phase::Measuring);
    turns(now, effort_, [end = now + times_.duration](Instant t) { return t >= end; });
    measured_ = effort_.all;
    load_.stop(now);
    enter(Phase::Draining);
    Effort drain;
    interrupted_.store(false, std::memory_order_relaxed);
    turns(now, drain, [&, end = now + times_.drain](Instant t) { return load_.drained() || t >= end; });
  }
  while (load_.leave(io::now())) {
  }
  enter(Phase::Over);
}

}  // namespace sluice::load
