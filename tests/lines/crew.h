// SPDX-License-Identifier: Apache-2.0
// Threads that take turns: each does what it is given while all others wait, so that what happens is the same
// every time. Each has an lcore number of DPDK's, and with it caches of its own in pools of packets.
#pragma once

#include <rte_lcore.h>

#include <functional>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include "base/check.h"
#include "lines/writes.h"
#include "support/eal.h"

namespace sluice::test {

class Crew {
 public:
  explicit Crew(int size) {
    start_eal();
    for (int k = 0; k < size; ++k) members_.push_back(std::make_unique<Member>());
    for (const auto& m : members_) m->thread = std::thread{[&member = *m] { work(member); }};
  }
  ~Crew() {
    for (const auto& m : members_) {
      m->task = nullptr;
      m->begin.release();
      m->thread.join();
    }
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Returns when thread k has done it. Its stores are recorded as writer k's.
  void let(int k, std::function<void()> f) {
    Member& m = *members_[static_cast<size_t>(k)];
    m.task = [k, f = std::move(f)] {
      writes::record_as(k);
      f();
      writes::record_as(writes::nobody);
    };
    m.begin.release();
    m.end.acquire();
  }

 private:
  struct Member {
    std::thread thread;
    std::binary_semaphore begin{0}, end{0};
    std::function<void()> task;
  };
  static void work(Member& m) {
    check(rte_thread_register() == 0, "a thread gets an lcore number");
    for (m.begin.acquire(); m.task; m.begin.acquire()) {
      m.task();
      m.end.release();
    }
    rte_thread_unregister();
  }

  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace sluice::test
