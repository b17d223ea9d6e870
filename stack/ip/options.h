// SPDX-License-Identifier: Apache-2.0
// What a user may set of IP and ICMP.
#pragma once

#include <cstdint>

#include "base/instant.h"

namespace sluice::ip {

struct Options {
#define OPTION(type, name, dflt, least, most, help) type name = dflt;
#include "ip/options.def"
#undef OPTION
};

}  // namespace sluice::ip
