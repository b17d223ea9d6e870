// SPDX-License-Identifier: Apache-2.0
// The networks our ports are on, and what they say of a gateway or a destination. Knows no place in a file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"

namespace sluice::config {

Ip4Addr network_of(const Prefix&);
Ip4Addr broadcast_of(const Prefix&);
// RFC 3021: a /31 has neither network nor broadcast address.
bool has_broadcast(const Prefix&);
// Why no station can have this address; null when one can.
const char* not_a_station(Ip4Addr);

// What is wrong with a value and what would be right.
struct Fault {
  std::string wrong, right;
};

// Those of one VRF: what is said of the ports of another is never asked.
class Networks {
 public:
  explicit Networks(const std::vector<Port>& ports) : ports_{ports} {}

  // A network one of our ports is on; its address is ours.
  struct Connected {
    size_t port;
    Prefix prefix;
    Ip4Addr us() const { return prefix.addr.v4(); }
  };
  // An address that has been checked by itself.
  void add(size_t port, const Prefix& p) { connected_.push_back({port, p}); }
  const std::vector<Connected>& all() const { return connected_; }

  // `port`: the one the route names, if it does.
  std::optional<Fault> gateway(const IpAddr&, std::optional<size_t> port) const;
  // What our own packets are to carry.
  std::optional<Fault> source(const IpAddr&) const;
  // A network without host bits, as the destination of a static route.
  std::optional<Fault> destination(const Prefix&) const;
  // "'lan'", or "one of lan, wan" when the name is far from all of them.
  std::optional<size_t> port_called(const std::string& name, Fault& out) const;
  // The VRF of a port that is not in the default one; null: it is.
  const std::string* other_vrf(size_t port) const {
    return ports_[port].vrf == default_vrf ? nullptr : &ports_[port].vrf;
  }

 private:
  const Connected* with(Ip4Addr) const;
  std::string on(std::optional<size_t> port) const;

  const std::vector<Port>& ports_;
  std::vector<Connected> connected_;
};

}  // namespace sluice::config
