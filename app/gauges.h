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

// What the routes of a VRF come to.
struct RouteTable {
  std::string vrf;
  size_t routes = 0;  // of both families, those of our addresses included
  size_t octets = 0;  // that lookups read
};

// All of it outlives the metrics.
struct Observed {
  const buf::PacketPool& pool;
  const config::Config& config;
  const std::vector<std::unique_ptr<io::Device>>& devices;  // [device]
  const std::vector<std::unique_ptr<Worker>>& workers;
  const PortTable& ports;
  const std::vector<RouteTable>& routes;  // [VRF]
  std::mutex& changing;                   // held while ports, the workers' sub-ports or `routes` change
  const Reloads& reloads;
};

void add_gauges(Metrics&, const Observed&);

}  // namespace sluice::app
