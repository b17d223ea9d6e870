// SPDX-License-Identifier: Apache-2.0
// A token bucket: at most `burst` events at once and `rate` a second in the long run. Knows no clock.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/instant.h"

namespace sluice {

// Guarantee: over any span d, at most burst + rate * d tokens are given. Starts full.
class TokenBucket {
 public:
  // `rate`: tokens a second, 1 to 10^9; `burst`: at least 1.
  constexpr TokenBucket(uint64_t rate, uint64_t burst)
      : cost_{1'000'000'000 / rate}, depth_{burst * (1'000'000'000 / rate)} {}

  // Takes n tokens, or none and says false.
  constexpr bool take(Instant now, uint64_t n = 1) {
    const uint64_t empty_until = std::max(empty_until_, now.ns) + n * cost_;
    if (empty_until - now.ns > depth_) return false;
    empty_until_ = empty_until;
    return true;
  }

 private:
  // The bucket is kept as the moment at which it will be full again.
  uint64_t cost_;  // ns one token takes to grow back
  uint64_t depth_;
  uint64_t empty_until_ = 0;
};

}  // namespace sluice
