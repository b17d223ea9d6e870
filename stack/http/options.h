// SPDX-License-Identifier: Apache-2.0
// The options of the http room, from options.def.
#pragma once

#include <cstdint>

#include "base/instant.h"

namespace sluice::http {

struct Options {
#define OPTION(type, name, dflt, least, most, help) type name = dflt;
#include "http/options.def"
#undef OPTION
};

}  // namespace sluice::http
