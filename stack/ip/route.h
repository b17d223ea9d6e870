// SPDX-License-Identifier: Apache-2.0
// The routes: an immutable snapshot with longest prefix match, built by the control thread and read by all
// workers (rte_fib, DIR24-8: one or two memory accesses a lookup). Knows no packet.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "buf/interface.h"
#include "ip/options.h"

struct rte_fib;

namespace sluice::ip {

enum class RouteKind : uint8_t {
  Forward,
  Local,        // one of our addresses
  Broadcast,    // of a network we are connected to
  Blackhole,    // dropped silently
  Unreachable,  // answered with "host unreachable"
  Prohibited,   // answered with "administratively prohibited"
  None,         // no route at all
};

// A static route. Forward: by the gateway `via`, which need not be a neighbour if another route leads to it;
// or, without one, by `port`, on whose link the destinations are. Other kinds have neither.
struct Route {
  Prefix to;
  IpAddr via;
  RouteKind kind = RouteKind::Forward;
  uint16_t port = 0;      // index; matters only for Forward without `via`
  uint8_t transport = 0;  // what it says to transports; nothing to us
};

// What a lookup finds.
struct NextHop {
  RouteKind kind = RouteKind::None;
  uint16_t port = 0;
  IpAddr gateway;  // none: the destination is itself a neighbour
  uint8_t transport = 0;

  friend bool operator==(const NextHop&, const NextHop&) = default;
};

class Routes {
 public:
  // Connected routes come from the interfaces, `statics` are added to them. Null, and `error` says why in a
  // user's words, when a route contradicts another or leads nowhere, or memory is short. Control thread only.
  static std::shared_ptr<const Routes> build(std::span<const buf::Interface>, std::span<const Route> statics,
                                             const Options&, std::string& error);
  ~Routes();
  Routes(const Routes&) = delete;
  Routes& operator=(const Routes&) = delete;

  const NextHop& lookup(Ip4Addr) const;
  // For each of the n destinations (at most burst_size, host order) the next hop, which lives as long as this
  // snapshot.
  void lookup(const uint32_t* destinations, const NextHop** out, size_t n) const;
  size_t size() const { return size_; }

 private:
  Routes() = default;

  rte_fib* fib_ = nullptr;
  std::vector<NextHop> hops_;  // [0] is "no route"
  size_t size_ = 0;
};

}  // namespace sluice::ip
