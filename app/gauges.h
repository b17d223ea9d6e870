// SPDX-License-Identifier: Apache-2.0
// What a scrape reads beside the workers' counters: ports, memory, connections.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "app/metrics.h"
#include "app/port_table.h"
#include "app/reloads.h"
#include "app/worker.h"
#include "config/config.h"
#include "io/device.h"

namespace sluice::app {

// All of it outlives the metrics.
struct Observed {
  const buf::PacketPool& pool;
  const config::Config& config;
  const std::vector<std::unique_ptr<io::Device>>& devices;  // [device]
  const std::vector<std::unique_ptr<Worker>>& workers;
  const PortTable& ports;
  std::mutex& changing;  // held while ports or the workers' sub-ports change
  const Reloads& reloads;
};

void add_gauges(Metrics&, const Observed&);

}  // namespace sluice::app
