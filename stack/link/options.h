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
};

}  // namespace sluice::link
