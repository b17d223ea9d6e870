// SPDX-License-Identifier: Apache-2.0
// How fast the path delivers: octets that arrived between a segment's departure and its acknowledgement, over
// the longer of the times they took to send and to be acknowledged. What was sent around a moment at which
// the service had nothing more to send is marked (Sent::dry). For people, dashboards and BBR.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice::tcp {

// Moments are microseconds on a clock that turns after 71 minutes.
struct RateSample {
  uint32_t delivered;               // octets
  uint32_t sent_us, first_sent_us;  // of the segment; of the one whose arrival it was counted from
  uint32_t now_us, delivered_us;    // its acknowledgement; that one's

  constexpr uint32_t interval_us() const {
    return std::max({now_us - delivered_us, sent_us - first_sent_us, 1u});
  }
  constexpr uint64_t octets_per_second() const { return uint64_t{delivered} * 1'000'000 / interval_us(); }
};

}  // namespace sluice::tcp
