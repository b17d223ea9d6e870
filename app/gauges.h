// SPDX-License-Identifier: Apache-2.0
// What a scrape reads beside the workers' counters: ports, memory, connections.
#pragma once

#include <memory>
#include <vector>

#include "app/metrics.h"
#include "app/worker.h"
#include "config/config.h"
#include "io/device.h"

namespace sluice::app {

// All of it outlives the metrics.
struct Observed {
  const buf::PacketPool& pool;
  const config::Config& config;
  const std::vector<std::unique_ptr<io::Device>>& devices;  // [port]
  const std::vector<std::unique_ptr<Worker>>& workers;
};

void add_gauges(Metrics&, const Observed&);

}  // namespace sluice::app
