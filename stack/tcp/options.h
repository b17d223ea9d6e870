// SPDX-License-Identifier: Apache-2.0
// The options of the tcp room, from options.def.
#pragma once

#include <cstdint>

#include "base/instant.h"

namespace sluice::tcp {

struct Options {
#define OPTION(type, name, dflt, least, most, help) type name = dflt;
#include "tcp/options.def"
#undef OPTION
};

}  // namespace sluice::tcp
