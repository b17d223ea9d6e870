// SPDX-License-Identifier: Apache-2.0
// The workers of an appliance, each in a thread of its own, over two devices with fewer queues than workers
// and one port with a tag; put together as app/appliance.cc does it.
#pragma once

#include <memory>
#include <vector>

#include "app/worker.h"
#include "io/steering.h"
#include "lines/crew.h"
#include "lines/device.h"
#include "support/virtual_worker.h"

namespace sluice::test {

class Team {
 public:
  static constexpr int workers = writes::most_writers;
  static constexpr size_t queues = 2;

  explicit Team(std::vector<buf::Interface> ports, link::Tags tags);
  ~Team();

  ManyQueues& device(size_t i) { return *devices_[i]; }
  app::Worker& worker(int k) { return *workers_[static_cast<size_t>(k)]; }
  // A turn of each, one after the other.
  void turn(Instant now);

 private:
  void wire(size_t k);

  WorkerPlan plan_;
  link::Tags tags_;
  const io::Steering steering_;
  std::vector<std::unique_ptr<ManyQueues>> devices_;
  std::vector<std::unique_ptr<io::Exchange>> exchanges_;
  app::Gossip gossip_{workers};
  io::Quiescence readers_{workers};
  std::vector<std::unique_ptr<app::Worker>> workers_;
  std::vector<io::Waker*> wakers_;
  Crew crew_{workers};  // ends first
};

}  // namespace sluice::test
