// SPDX-License-Identifier: Apache-2.0
// Files of routes against the ports and against all other routes.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "config/networks.h"
#include "config/networks6.h"
#include "config/tree.h"

namespace sluice::config {

// A destination as one number.
constexpr uint64_t route_key(Ip4Addr network, unsigned length) {
  return static_cast<uint64_t>(network.v) << 8 | length;
}

// The destinations of routes, of both families: without host bits.
class Destinations {
 public:
  // False: it is in already.
  bool insert(const Prefix& p) {
    return p.addr.is_v4() ? four_.insert(route_key(p.addr.v4(), p.length)).second : six_.insert(p).second;
  }
  bool contains(const Prefix& p) const {
    return p.addr.is_v4() ? four_.contains(route_key(p.addr.v4(), p.length)) : six_.contains(p);
  }
  size_t size() const { return four_.size() + six_.size(); }
  void reserve(size_t four, size_t six) {
    four_.reserve(four_.size() + four);
    six_.reserve(six_.size() + six);
  }

 private:
  // Whoever writes a configuration is trusted: no key.
  struct Hash {
    size_t operator()(const Prefix& p) const {
      const auto b = p.addr.bytes();
      const uint64_t h = load_be<uint64_t>(b.data()) * 0x9e3779b97f4a7c15u ^ load_be<uint64_t>(b.data() + 8);
      return static_cast<size_t>((h ^ h >> 29) * 0xff51afd7ed558ccdu + p.length);
    }
  };
  std::unordered_set<uint64_t> four_;
  std::unordered_set<Prefix, Hash> six_;
};

// `known`: nothing was wrong with the ports, so that who is on none of our networks may be told. `seen` holds
// the destinations of all other routes; those of the file are added.
void check_route_file(const RouteFile&, const Networks&, const Networks6&, bool known, Destinations& seen,
                      std::vector<Complaint>& out);

}  // namespace sluice::config
