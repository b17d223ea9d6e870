// SPDX-License-Identifier: Apache-2.0
// One call of the command: from the plan to the result and the exit code.
#pragma once

#include "app/load/plan.h"

namespace sluice::load {

// 0: it ran. 1: it could not, and said why. 3: it ran, and some answers were wrong or missing.
int run(const Plan&);

}  // namespace sluice::load
