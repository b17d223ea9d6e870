// SPDX-License-Identifier: Apache-2.0
// The round-trip estimator and the retransmission timeout: RFC 6298 §2 and §5.5.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/instant.h"
#include "tcp/options.h"

namespace sluice::tcp {

// Kept small: times in units of 16 ns up to a minute.
class Rtt {
 public:
  // A measured round trip; never one of a segment that was sent twice (Karn), unless timestamps tell which.
  // `expected`: samples to come from one flight, each of which counts for less (RFC 7323 App. G).
  constexpr void sample(Duration measured, Instant now = {}, uint32_t expected = 1) {
    backoff_ = 0;
    const uint32_t r = units(measured);
    const auto at = static_cast<uint32_t>(now.ns >> 30);  // seconds, roughly
    if (min_ == 0 || r <= min_ || at - min_at_ > min_lasts) {
      min_ = r;
      min_at_ = at;
    }
    if (srtt_ == 0) {  // (2.2)
      srtt_ = r;
      var_ = r / 2;
      return;
    }
    const int64_t off = int64_t{r} - srtt_, err = off > 0 ? off : -off;
    const int shift = std::bit_width(expected > 1 ? expected - 1 : 0);
    var_ = static_cast<uint32_t>(var_ + ((err - var_) >> (2 + shift)));         // (2.3), beta = 1/4 a flight
    srtt_ = std::max(static_cast<uint32_t>(srtt_ + (off >> (3 + shift))), 1u);  // (2.3), alpha = 1/8 a flight
  }
  constexpr void back_off() { backoff_ = static_cast<uint8_t>(std::min<int>(backoff_ + 1, most_backoff)); }

  constexpr Duration rto(const Options& o) const {
    const Duration base = srtt_ == 0 ? o.rto_initial : std::max(srtt() + var() * 4, o.rto_min);
    return std::min(std::min(base, o.rto_max) * (int64_t{1} << backoff_), o.rto_max);
  }
  constexpr Duration srtt() const { return {int64_t{srtt_} << unit_bits}; }  // 0 before the first sample
  constexpr Duration var() const { return {int64_t{var_} << unit_bits}; }
  constexpr Duration least() const { return {int64_t{min_} << unit_bits}; }  // of the last minutes

 private:
  static constexpr int unit_bits = 4;
  static constexpr int most_backoff = 16;     // far past rto_max for any rto_min in range
  static constexpr uint32_t min_lasts = 300;  // paths change
  static constexpr uint32_t units(Duration d) {
    return static_cast<uint32_t>(std::clamp<int64_t>(d.ns >> unit_bits, 63, UINT32_MAX));
  }
  uint32_t srtt_ = 0, var_ = 0, min_ = 0, min_at_ = 0;
  uint8_t backoff_ = 0;
};

}  // namespace sluice::tcp
