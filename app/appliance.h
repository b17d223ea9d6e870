// SPDX-License-Identifier: Apache-2.0
// The appliance: everything a configuration asks for, put together and started. The only place that knows all
// the parts.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/gauges.h"
#include "app/link_news.h"
#include "app/metrics.h"
#include "app/port_table.h"
#include "app/reloads.h"
#include "app/telemetry.h"
#include "app/worker.h"
#include "buf/interface.h"
#include "config/config.h"
#include "dns/zones.h"
#include "io/device.h"
#include "io/eal.h"
#include "io/quiescence.h"
#include "ip/route.h"
#include "serve/site.h"

namespace sluice::app {

class Appliance {
 public:
  // Makes everything and starts nothing that sends. `zones[i]` belongs to config.dns[i]. When something
  // cannot be had, error() says what is wrong and what to do, and nothing is left behind. The configuration
  // outlives the appliance.
  Appliance(const config::Config&, std::vector<std::shared_ptr<const dns::Zones>> zones);
  ~Appliance();
  Appliance(const Appliance&) = delete;
  Appliance& operator=(const Appliance&) = delete;

  const std::string& error() const { return error_; }
  void start();
  // Does what another configuration says, while everything goes on: addresses, routes, neighbours, ports with
  // a parent, zones. Empty, or what is wrong, and then every port, route and zone is as it was; at most there
  // are numbers more for ports to come. Called by one thread, as watch_links().
  std::vector<std::string> reload(const config::Config& to,
                                  std::vector<std::shared_ptr<const dns::Zones>> zones);
  Reloads& reloads() { return reloads_; }
  // Routes over links that died or came back since the last time go and come; to be called now and then. What
  // happened, a line each.
  std::vector<std::string> watch_links();
  void stop();  // returns when every worker has ended

 private:
  static ip::Options shared_out(const config::Config&);
  std::string build();
  std::string make_memory();
  std::string make_ports();
  std::string make_sites();
  // Those of the table that are somebody's; what was admitted before stays so, and dies in the trunk.
  std::string admit_vlans(const PortTable&);
  std::string make_routes(const PortTable&, const config::Config*);
  void count_routes();
  std::vector<std::shared_ptr<const ip::Routes>> other_routes() const;
  std::string change_routes(const config::Config& to, const PortTable&, std::span<const buf::Interface>);
  std::string make_worker(size_t k);
  void wire_ports(size_t k);
  link::Wiring wire_tags(Worker&, const PortTable&, std::vector<std::unique_ptr<link::SubPort>>& old);
  void apply(const PortTable&, const std::vector<buf::Interface>&, const std::vector<link::Advertise>&,
             const std::vector<std::shared_ptr<const dns::Zones>>& zones);
  void wire_services(size_t k);
  std::string serve_metrics();

  const config::Config& config_;
  const ip::Options ip_;  // each worker's share
  std::vector<std::shared_ptr<const dns::Zones>> zones_;
  std::string error_;
  PortTable table_;
  std::mutex changing_;  // the tables and the workers' sub-ports, against scrapes; never held for long
  Reloads reloads_;

  // In the order they are made; they end in the opposite one.
  std::unique_ptr<io::Eal> eal_;
  std::unique_ptr<buf::PacketPool> pool_;
  std::vector<std::unique_ptr<io::Device>> devices_;      // [device]
  std::vector<LinkState> links_;                          // [device], as last seen
  std::vector<std::unique_ptr<io::Exchange>> exchanges_;  // [device], with two or more workers
  std::vector<buf::Interface> interfaces_;                // [port]
  std::vector<link::Advertise> advertise_;                // [port]
  std::unique_ptr<io::Steering> steering_;
  std::unique_ptr<io::Quiescence> readers_;                 // of what changes while they read: the workers
  std::vector<std::shared_ptr<ip::Routes>> routes_;         // [VRF]
  std::vector<RouteTable> route_tables_;                    // [VRF], for scrapes
  std::vector<std::shared_ptr<const serve::Sites>> sites_;  // [http service]
  std::unique_ptr<Gossip> gossip_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<io::Waker*> wakers_;
  std::atomic<bool> stop_{false};
  std::atomic<size_t> leaving_{0};  // workers that have not yet ended their connections
  bool running_ = false;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Telemetry> telemetry_;
};

}  // namespace sluice::app
