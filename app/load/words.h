// SPDX-License-Identifier: Apache-2.0
// The command line of sluice-load.
#pragma once

#include <variant>

#include "app/load/plan.h"

namespace sluice::load {

// A plan that can be tried; or the exit code, everything having been said.
std::variant<Plan, int> read_words(int argc, const char* const* argv);

}  // namespace sluice::load
