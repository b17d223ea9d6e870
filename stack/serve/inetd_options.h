// SPDX-License-Identifier: Apache-2.0
// What a user may say of an echo or discard service; frozen before the first connection.
#pragma once

#include "base/instant.h"

namespace sluice::serve {

struct InetdOptions {
#define OPTION(type, name, dflt, least, most, help) type name = dflt;
#include "serve/inetd_options.def"
#undef OPTION
};

}  // namespace sluice::serve
