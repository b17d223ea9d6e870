// SPDX-License-Identifier: Apache-2.0
// What a worker does between two turns of its loop: go on at once, pause, or sleep until a packet, another
// worker or a deadline wakes it. Keeps the account of busy and idle time.
#pragma once

#include <cstdint>
#include <vector>

#include "base/counters.h"
#include "base/instant.h"
#include "io/device.h"
#include "io/options.h"
#include "io/waker.h"

namespace sluice::io {

// How patient each mode is.
struct IdlePolicy {
  Duration spin;         // without work, before the first sleep
  Duration first_sleep;  // doubled with each sleep that brought no work
  Duration most_told;    // longest sleep when every queue tells of packets
  Duration most_untold;  // longest sleep when one does not: what its packets may wait
};
constexpr IdlePolicy idle_policy(IdleMode mode) {
  switch (mode) {
    case IdleMode::latency:
      return {Duration{INT64_MAX}, {}, {}, {}};
    case IdleMode::balanced:
      return {50_us, 50_us, 10_ms, 1_ms};
    case IdleMode::efficient:
      return {0_us, 100_us, 100_ms, 4_ms};
  }
  return {};
}

// One worker's. Made by the control thread, used by the worker.
class Idle {
 public:
  // `waker` is the worker's own and is given to all who hand it work.
  Idle(IdleMode mode, Waker& waker, Counters& count);
  ~Idle();
  Idle(const Idle&) = delete;
  Idle& operator=(const Idle&) = delete;

  // Names a queue this worker receives from. One whose driver cannot tell of packets shortens every sleep.
  void watch(const Device& device, uint16_t queue);

  // After each turn. `worked`: the turn found anything to do. `now`: what the turn was given. `deadline`: the
  // earliest time the worker wants its next turn, of no matter after one that worked. A turn without work may
  // be followed by one more before the sleep, with the wake-ups armed, so that none is lost.
  void rest(bool worked, Instant now, Instant deadline);

  bool all_tell() const { return all_tell_; }

 private:
  struct Queue {
    uint16_t device, queue;
    bool enable;  // the driver wants its interrupt enabled before each sleep
  };
  void arm();
  void disarm();
  void sleep(Duration most);

  IdlePolicy policy_;
  Waker& waker_;
  Counters& count_;
  std::vector<Queue> queues_;
  int epoll_;
  bool all_tell_ = true;
  bool armed_ = false, exact_ = false;
  bool last_worked_ = false;
  Instant last_, quiet_since_;
  Duration next_sleep_;
};

}  // namespace sluice::io
