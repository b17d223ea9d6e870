// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/sanitized.h"

namespace sluice::test {

// How many rounds of random work: all of them in the release build, a tenth where each costs ten times as
// much.
constexpr size_t rounds(size_t all) { return sanitized ? all / 10 : all; }

}  // namespace sluice::test
