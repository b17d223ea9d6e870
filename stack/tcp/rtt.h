// SPDX-License-Identifier: Apache-2.0
// The round-trip estimator and the retransmission timeout: RFC 6298 §2 and §5.5.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/instant.h"
#include "tcp/options.h"

namespace sluice::tcp {

class Rtt {
 public:
  // A measured round trip; never one of a segment that was sent twice (Karn), unless timestamps tell which.
  // `expected`: samples to come from one flight, each of which counts for less (RFC 7323 App. G).
  constexpr void sample(Duration r, Instant now = {}, uint32_t expected = 1) {
    backoff_ = 0;
    r = std::max(r, 1_us);
    if (min_.ns == 0 || r <= min_ || now - min_at_ > min_lasts) {
      min_ = r;
      min_at_ = now;
    }
    if (srtt_.ns == 0) {  // (2.2)
      srtt_ = r;
      var_ = r / 2;
      return;
    }
    const Duration err = r > srtt_ ? r - srtt_ : srtt_ - r;
    const int shift = std::bit_width(expected > 1 ? expected - 1 : 0);
    var_ = var_ + Duration{(err.ns - var_.ns) >> (2 + shift)};   // (2.3), beta = 1/4 a flight
    srtt_ = srtt_ + Duration{(r.ns - srtt_.ns) >> (3 + shift)};  // (2.3), alpha = 1/8 a flight
  }
  constexpr void back_off() { backoff_ = static_cast<uint8_t>(std::min<int>(backoff_ + 1, most_backoff)); }

  constexpr Duration rto(const Options& o) const {
    const Duration base = srtt_.ns == 0 ? o.rto_initial : std::max(srtt_ + var_ * 4, o.rto_min);
    return std::min(std::min(base, o.rto_max) * (int64_t{1} << backoff_), o.rto_max);
  }
  constexpr Duration srtt() const { return srtt_; }  // 0 before the first sample
  constexpr Duration var() const { return var_; }
  constexpr Duration least() const { return min_; }  // of the last minutes

 private:
  static constexpr int most_backoff = 16;                       // far past rto_max for any rto_min in range
  static constexpr Duration min_lasts = Duration::from_s(300);  // paths change
  Duration srtt_, var_, min_;
  Instant min_at_;
  uint8_t backoff_ = 0;
};

}  // namespace sluice::tcp
