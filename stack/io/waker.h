// SPDX-License-Identifier: Apache-2.0
// How one worker wakes another that sleeps: a flag that costs nothing while the other is awake, and an
// eventfd.
#pragma once

#include <atomic>

#include "base/lines.h"

namespace sluice::io {

// One per worker. The sleeper: sleeping(true), look for work once more, sleep on descriptor(),
// sleeping(false). Whoever gives it work: put the work where it will look, then wake(). Either the sleeper's
// last look finds the work or wake() finds the flag: each side writes, fences, then reads what the other
// wrote.
class alignas(cache_line) Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // Any thread. A fence, and a system call only when the worker sleeps.
  void wake() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (sleeping_.load(std::memory_order_relaxed)) signal();
  }

  // The worker itself.
  void sleeping(bool is) {
    sleeping_.store(is, std::memory_order_relaxed);
    if (is) std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  int descriptor() const { return fd_; }

 private:
  void signal() const;

  std::atomic<bool> sleeping_{false};
  int fd_;
};
static_assert(owns_its_lines<Waker>, "others look at it after every message");

}  // namespace sluice::io
