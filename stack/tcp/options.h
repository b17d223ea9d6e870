// SPDX-License-Identifier: Apache-2.0
// TCP's knobs as a struct; they stand in options.def with range and help.
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
