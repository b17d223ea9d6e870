// SPDX-License-Identifier: Apache-2.0
// What a configuration means to the packet rooms: interfaces, routes, advertisements, by number of port. The
// same at start and at each reload.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/port_table.h"
#include "buf/interface.h"
#include "config/config.h"
#include "ip/route.h"
#include "link/advertiser.h"

namespace sluice::app {

// Of one VRF.
std::vector<ip::Route> static_routes(const config::Config&, const PortTable&, uint16_t vrf = 0);

// [port]. `devices[i]` is what device i can do; a port that is nobody's has no addresses.
std::vector<buf::Interface> interfaces(const config::Config&, const PortTable&,
                                       const std::vector<buf::PortCaps>& devices);
std::vector<link::Advertise> advertisements(const config::Config&, const PortTable&);

// Keys in which `to` says something else than `from` and which cannot change while we run.
std::vector<std::string> need_a_restart(const config::Config& from, const config::Config& to);

}  // namespace sluice::app
