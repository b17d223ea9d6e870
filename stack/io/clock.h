// SPDX-License-Identifier: Apache-2.0
// The two clocks of the process: the monotonic one that every deadline is on, and the wall clock for dates.
#pragma once

#include <cstdint>

#include "base/instant.h"

namespace sluice::io {

// Now, from the time stamp counter, scaled by the frequency that EAL measured at its start. Monotonic, the
// same on all cores, starts anywhere but never at 0. To be called after Eal has started; costs about 20 ns.
Instant now();

// The time stamp counter itself, for measurements, and how fast it counts.
uint64_t ticks();
uint64_t ticks_per_second();

// Seconds since 1970-01-01T00:00:00Z, for dates in messages. It can jump: no deadline is made from it.
uint64_t wall_seconds();

}  // namespace sluice::io
