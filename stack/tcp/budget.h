// SPDX-License-Identifier: Apache-2.0
// How many challenge ACKs a worker sends in a second: RFC 5961 §7. The limit of each second is drawn anew, so
// that nobody learns from it whether somebody else's segment was answered (CVE-2016-5696).
#pragma once

#include <cstdint>

#include "base/instant.h"
#include "base/rng.h"

namespace sluice::tcp {

class Budget {
 public:
  Budget(uint32_t per_second, Rng& rng) : per_second_{per_second}, rng_{rng} {}

  // True when one more may be spent.
  bool take(Instant now) {
    if (now >= until_) {
      until_ = now + 1_s;
      left_ = per_second_ / 2 + static_cast<uint32_t>(rng_.below(per_second_)) + 1;
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  uint32_t per_second_, left_ = 0;
  Instant until_;
  Rng& rng_;
};

}  // namespace sluice::tcp
