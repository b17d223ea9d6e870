// SPDX-License-Identifier: Apache-2.0
// What a load runs on: DPDK, memory, the ports with our addresses, and the rooms of a host on them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/load/host.h"
#include "app/load/plan.h"
#include "app/load/sources.h"
#include "io/device.h"
#include "io/eal.h"
#include "io/queue_port.h"

namespace sluice::load {

class Machine {
 public:
  // Opens the ports; when something cannot be had, error() says what and what to do.
  explicit Machine(const Plan&);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  const std::string& error() const { return error_; }
  // Whether every port's other end is there.
  bool connected() const;
  // Makes the rest once that is so: what the other ends take is known. Says what is wrong, or nothing.
  std::string settle(const Plan&, tcp::Options, uint32_t links);

  io::Eal& eal() { return *eal_; }
  buf::PacketPool& pool() { return *pool_; }
  Host& host() { return *host_; }
  Counters& counters() { return count_; }
  Rng& rng() { return rng_; }
  buf::NetPort& port(size_t i) { return *ports_[i]; }
  const buf::PortCaps& caps(size_t i) const { return interfaces_[i].caps; }
  Sources sources(size_t leg) const;

 private:
  std::string open(const Plan&);

  std::string error_;
  Counters count_;
  Rng rng_;
  uint32_t source_count_;
  HostOptions options_;
  std::unique_ptr<io::Eal> eal_;
  std::unique_ptr<buf::PacketPool> pool_;
  std::vector<std::unique_ptr<io::Device>> devices_;
  std::vector<std::unique_ptr<io::QueuePort>> ports_;
  std::vector<buf::Interface> interfaces_;
  std::unique_ptr<buf::LinkPool> links_;
  std::unique_ptr<Host> host_;
};

}  // namespace sluice::load
