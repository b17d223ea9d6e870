// SPDX-License-Identifier: Apache-2.0
// What a user may set of UDP.
#pragma once

#include <cstdint>

namespace sluice::udp {

struct Options {
#define OPTION(type, name, dflt, least, most, help) type name = dflt;
#include "udp/options.def"
#undef OPTION
};

}  // namespace sluice::udp
