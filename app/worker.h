// SPDX-License-Identifier: Apache-2.0
// One worker: one core, one loop, one stack. Nothing in it is shared but what is immutable and the rings to
// its siblings.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "app/holdings.h"
#include "app/inspection.h"
#include "base/counters.h"
#include "base/lines.h"
#include "base/rng.h"
#include "base/stage_meter.h"
#include "buf/byte_queue.h"
#include "buf/pool.h"
#include "io/idle.h"
#include "io/impaired_port.h"
#include "io/message_ring.h"
#include "io/queue_port.h"
#include "io/quiescence.h"
#include "io/steered_port.h"
#include "io/waker.h"
#include "link/vlan.h"
#include "stack.h"

namespace sluice::app {

// What workers tell each other about neighbours: a ring from each to each.
class Gossip {
 public:
  explicit Gossip(size_t workers);
  size_t workers() const { return workers_; }
  io::MessageRing<link::Message>& ring(size_t from, size_t to) { return *rings_[from * workers_ + to]; }

 private:
  size_t workers_;
  std::vector<std::unique_ptr<io::MessageRing<link::Message>>> rings_;
};

class alignas(cache_line) Worker {
 public:
  Worker(size_t index, uint64_t seed, io::IdleMode mode, Gossip& gossip, io::Quiescence& readers);

  // -- to be put together by the appliance, before run()
  Counters count;
  Rng rng;
  StageMeter stages;
  io::Waker waker;
  Inspection inspection;
  Holdings holdings;
  io::Idle idle;
  std::vector<std::unique_ptr<io::QueuePort>> queues;  // the devices' queues that are this worker's
  std::vector<std::unique_ptr<io::ImpairedPort>>
      impaired;                                           // in front of them, where the user wants a bad line
  std::vector<std::unique_ptr<io::SteeredPort>> steered;  // [port], with two or more workers
  std::vector<std::unique_ptr<link::Trunk>> trunks;       // [device], where it ever had ports with tags
  std::vector<std::unique_ptr<link::SubPort>> sub_ports;  // [port], null for a device's own
  std::vector<buf::NetPort*> ports;                       // [device], what is in front of its queue
  std::unique_ptr<buf::LinkPool> links;
  std::unique_ptr<buf::ChunkPool> chunks;
  std::unique_ptr<Stack> stack;
  std::vector<io::Waker*> siblings;  // [worker]

  // Polls until `stop`; then returns, its connections reset and what it had to send sent. `leaving` counts
  // the workers that have not yet said their goodbyes: those of a worker without a queue leave by another's,
  // which stays until the last has.
  void run(const std::atomic<bool>& stop, std::atomic<size_t>& leaving);
  // What run() does again and again but for the rest after it. True: there was work, so there may be more.
  bool turn(Instant now);

  // The control thread, while the worker runs or before: `change` and what is in it stay until changed().
  void change(const StackChange& c) {
    change_.store(&c, std::memory_order_release);
    waker.wake();
  }
  bool changed() const { return change_.load(std::memory_order_acquire) == nullptr; }

 private:
  bool hear(Instant now);
  void tell();
  void send_for_others();
  Instant deadline() const;

  size_t index_;
  Gossip& gossip_;
  io::Quiescence& readers_;
  std::atomic<const StackChange*> change_{nullptr};
  Instant next_second_{};
};
static_assert(owns_its_lines<Worker>);

}  // namespace sluice::app
