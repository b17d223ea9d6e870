// SPDX-License-Identifier: Apache-2.0
// The hot paths: for each, the clients around one worker's stack. A path makes the packets of one turn, and
// afterwards looks at what came out: whatever is wrong ends the bench, for a fast wrong answer is no answer.
#pragma once

#include <memory>
#include <string_view>

#include "perf/micro/bench_worker.h"

namespace sluice::perf {

struct PathPlan {
  size_t burst = 32;  // packets a turn receives
  size_t names = 10'000, routes = 1'000, connections = 64;
  size_t change_every = 0;  // turns, before which a route changes; 0: none does
  bool device_sums = false;
};

class Path {
 public:
  virtual ~Path() = default;
  // Puts one turn's packets in front of the stack.
  virtual void before() = 0;
  // Takes what the turn sent; returns how many items it finished.
  virtual size_t after() = 0;
  // Whether items finish in any turn (else only every few turns).
  BenchWorker& worker() { return *worker_; }

 protected:
  std::unique_ptr<BenchWorker> worker_;
};

// What an item is: a packet (forward, forward6), an answer (dns), a response (keepalive, close), a segment of
// text (bulk), a SYN answered with a cookie (syn).
constexpr std::string_view path_names[] = {"forward", "forward6", "dns", "keepalive", "close", "bulk", "syn"};
// Null when there is no path of that name.
std::unique_ptr<Path> make_path(std::string_view name, const PathPlan&, buf::PacketPool&);

}  // namespace sluice::perf
