// SPDX-License-Identifier: Apache-2.0
// Commands of ours on DPDK's telemetry socket (app/README.md says how to reach it). Run on DPDK's thread;
// cost the workers nothing.
//
//   /sluice/stages       whether stages are measured, the frequency of their clock, and per worker each
//   stage's
//                        cycles, items and calls, since the start
//   /sluice/stages,on    measures from now on; /sluice/stages,off: no longer
#pragma once

#include <memory>
#include <vector>

#include "app/worker.h"

namespace sluice::app {

// While this lives, the commands answer. One per process, after EAL has started.
class Telemetry {
 public:
  // `workers` outlive this object.
  explicit Telemetry(const std::vector<std::unique_ptr<Worker>>& workers);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;
};

}  // namespace sluice::app
