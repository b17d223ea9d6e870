// SPDX-License-Identifier: Apache-2.0
// The options of the udp room, from options.def.
#pragma once

#include <cstdint>

#include "base/instant.h"

namespace sluice::udp {

struct Options {
#define OPTION(type, name, dflt, least, most, help) type name = dflt;
#include "udp/options.def"
#undef OPTION
};

}  // namespace sluice::udp
