// SPDX-License-Identifier: Apache-2.0
// The ports' devices against one another: each taken once, bonds of members that fit, sub-ports within a port
// that can carry them.
#pragma once

#include <vector>

#include "config/load.h"
#include "config/networks.h"
#include "config/places.h"
#include "config/tree.h"

namespace sluice::config {

// `ports`: who has which name. `addresses_known`: check_whole().
void check_devices(const Config& c, const Places& places, const Environment& environment,
                   const Networks& ports, bool addresses_known, std::vector<Complaint>& out);

}  // namespace sluice::config
