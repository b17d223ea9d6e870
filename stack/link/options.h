// SPDX-License-Identifier: Apache-2.0
// What a user may set of Ethernet and ARP.
#pragma once

#include <cstdint>

#include "base/instant.h"

namespace sluice::link {

struct Options {
#define OPTION(type, name, dflt, least, most, help) type name = dflt;
#include "link/options.def"
#undef OPTION

  uint32_t of_one_port() const { return neighbours_per_port != 0 ? neighbours_per_port : neighbours / 2; }
};

}  // namespace sluice::link
