// SPDX-License-Identifier: Apache-2.0
// How much DPDK memory a configuration will want; without hugepages it is all taken at start, so it must be
// known before.
#pragma once

#include <cstdint>

#include "config/config.h"

namespace sluice::app {

// Octets a packet buffer must hold, headroom included: a whole frame of the port with the largest MTU.
uint16_t packet_room(const config::Config&);

// MiB, with room to spare.
uint32_t estimate_megabytes(const config::Config&);

}  // namespace sluice::app
