// SPDX-License-Identifier: Apache-2.0
// Files of routes against the ports and against all other routes.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "config/networks.h"
#include "config/tree.h"

namespace sluice::config {

// A destination as one number.
constexpr uint64_t route_key(Ip4Addr network, unsigned length) {
  return static_cast<uint64_t>(network.v) << 8 | length;
}

// `known`: nothing was wrong with the ports, so that who is on none of our networks may be told. `seen` holds
// the destinations of all other routes; those of the file are added.
void check_route_file(const RouteFile&, const Networks&, bool known, std::unordered_set<uint64_t>& seen,
                      std::vector<Complaint>& out);

}  // namespace sluice::config
