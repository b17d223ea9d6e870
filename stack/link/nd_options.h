// SPDX-License-Identifier: Apache-2.0
// What a user may set of IPv6 on the link.
#pragma once

#include <cstdint>

#include "base/instant.h"

namespace sluice::link {

struct NdOptions {
#define OPTION(type, name, dflt, least, most, help) type name = dflt;
#include "link/nd_options.def"
#undef OPTION
};

}  // namespace sluice::link
