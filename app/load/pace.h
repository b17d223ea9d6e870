// SPDX-License-Identifier: Apache-2.0
// The moments at which things are due when a rate is given: equally spaced, whatever the other end does. What
// is late is measured from its moment, so a stall is seen by all it delayed (no coordinated omission).
#pragma once

#include <cstdint>

#include "base/instant.h"

namespace sluice::load {

class Pace {
 public:
  Pace() = default;
  Pace(Instant start, double per_second) : start_{start}, per_ns_{per_second / 1e9} {}

  // How many are due by now, the first at once.
  uint64_t due(Instant now) const {
    if (now < start_) return 0;
    return static_cast<uint64_t>(static_cast<double>(now.ns - start_.ns) * per_ns_) + 1;
  }
  // When number n, counted from 0, is due.
  Instant at(uint64_t n) const {
    return {start_.ns + static_cast<uint64_t>(static_cast<double>(n) / per_ns_)};
  }

 private:
  Instant start_;
  double per_ns_ = 1;
};

}  // namespace sluice::load
