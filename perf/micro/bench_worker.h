// SPDX-License-Identifier: Apache-2.0
// One worker's stack between two bench ports, in virtual time: what the hot paths are driven through.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/quiescence.h"
#include "perf/micro/bench_port.h"
#include "stack.h"

namespace sluice::perf {

struct WorkerPlan {
  size_t burst = 32;         // packets a reception gives at most
  size_t routes = 1;         // to be looked up in the forwarding table
  bool ip6 = false;          // routes and neighbours are IPv6's
  bool device_sums = false;  // the device does the checksums, both ways
  tcp::Options tcp;
  std::shared_ptr<const dns::Zones> zones;    // none: a small one
  std::shared_ptr<const serve::Sites> sites;  // none: a page of 1 KiB
};

class BenchWorker {
 public:
  BenchWorker(WorkerPlan, buf::PacketPool&);

  buf::PacketPool& pool() { return pool_; }
  BenchPort& port(size_t i) { return *ports_[i]; }
  Stack& stack() { return *stack_; }
  Counters& count() { return count_; }
  // The nth of the routes from now on leads by the other of two gateways.
  void turn_route(size_t n);
  // From now on another thread, on any CPU but this one, turns so many of them a second.
  void turn_routes_beside(size_t per_second);
  // To be called after each turn. How many routes have been turned beside it.
  uint64_t between_bursts() {
    if (grace_) grace_->between_bursts(0);
    return changes_.load(std::memory_order_relaxed);
  }
  Instant now() const { return now_; }
  void pass(Duration d) { now_ = now_ + d; }
  // A received packet as the device would have left it.
  void give(size_t port, buf::Packet&& p) {
    if (plan_.device_sums) p.raw()->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    ports_[port]->give(std::move(p));
  }

 private:
  void meet(size_t port, Mac who, Ip4Addr sender, Ip4Addr target);
  ip::Route route(size_t n, bool other) const;

  WorkerPlan plan_;
  buf::PacketPool& pool_;
  Counters count_;
  Rng rng_{1};
  Instant now_{1'000'000'000};
  buf::LinkPool links_{65'536};
  buf::ChunkPool chunks_{64};
  std::vector<std::unique_ptr<BenchPort>> ports_;
  std::shared_ptr<ip::Routes> table_;
  std::vector<bool> turned_;
  std::optional<io::Quiescence> grace_;  // when routes are turned beside us
  std::atomic<uint64_t> changes_{0};
  std::unique_ptr<Stack> stack_;  // ends first: it holds parts of the pools
};

// A zone with `names` names h000000.bench.test, each with an address.
std::shared_ptr<const dns::Zones> bench_zones(size_t names);
// A site www.bench.test: /1k of 1 KiB, /100k, /10m.
std::shared_ptr<const serve::Sites> bench_sites();
// EAL without devices; `huge`: in hugepages.
void start_eal(bool huge);

}  // namespace sluice::perf
