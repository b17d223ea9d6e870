// SPDX-License-Identifier: Apache-2.0
// The round-trip estimator and the retransmission timeout: RFC 6298 §2 and §5.5.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/instant.h"
#include "tcp/options.h"

namespace sluice::tcp {

class Rtt {
 public:
  // A measured round trip; never one of a segment that was sent twice (Karn), unless timestamps tell which.
  constexpr void sample(Duration r) {
    backoff_ = 0;
    r = std::max(r, 1_us);
    if (srtt_.ns == 0) {  // (2.2)
      srtt_ = r;
      var_ = r / 2;
      return;
    }
    const Duration err = r > srtt_ ? r - srtt_ : srtt_ - r;
    var_ = (var_ * 3 + err) / 4;  // (2.3), beta = 1/4
    srtt_ = (srtt_ * 7 + r) / 8;  // (2.3), alpha = 1/8
  }
  constexpr void back_off() { backoff_ = static_cast<uint8_t>(std::min<int>(backoff_ + 1, most_backoff)); }

  constexpr Duration rto(const Options& o) const {
    const Duration base = srtt_.ns == 0 ? o.rto_initial : std::max(srtt_ + var_ * 4, o.rto_min);
    return std::min(std::min(base, o.rto_max) * (int64_t{1} << backoff_), o.rto_max);
  }
  constexpr Duration srtt() const { return srtt_; }  // 0 before the first sample

 private:
  static constexpr int most_backoff = 16;  // far past rto_max for any rto_min in range
  Duration srtt_, var_;
  uint8_t backoff_ = 0;
};

}  // namespace sluice::tcp
