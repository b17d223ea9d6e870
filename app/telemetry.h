// SPDX-License-Identifier: Apache-2.0
// Commands of ours on DPDK's telemetry socket (app/README.md says how to reach it). Run on DPDK's thread;
// cost the workers nothing, but for a moment when they are asked for connections (inspection.h).
//
//   /sluice/stages       whether stages are measured, the frequency of their clock, and per worker each
//   stage's
//                        cycles, items and calls, since the start
//   /sluice/stages,on    measures from now on; /sluice/stages,off: no longer
//   /sluice/tcp/connections   the TCP connections, a hundred at a time; `more_from` says where to go on
//   /sluice/tcp/connection,W:P   what the one in place P of worker W does (tcp/info.h)
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
