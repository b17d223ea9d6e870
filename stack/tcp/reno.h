// SPDX-License-Identifier: Apache-2.0
// NewReno's share of congestion control: RFC 5681 §3.1, appropriate byte counting RFC 3465. Recovery itself
// is the same for all (recovery.cc).
#pragma once

#include <algorithm>
#include <cstdint>

#include "tcp/window.h"

namespace sluice::tcp {

class Reno {
 public:
  constexpr void avoid(CongestionWindow& w, const Acked& a) {
    gathered_ += a.octets;  // one segment a window
    if (gathered_ < w.cwnd) return;
    gathered_ -= w.cwnd;
    w.cwnd += w.mss;
  }
  // RFC 5681 §3.1 equation 4.
  constexpr uint32_t reduced(const CongestionWindow& w, uint32_t flight, bool) {
    gathered_ = 0;
    return std::max(flight / 2, 2 * w.mss);
  }
  // RFC 3465 §2.2 allows two segments an acknowledgement where nothing paces.
  constexpr bool slow_start(CongestionWindow& w, const Acked& a) {
    w.cwnd += std::min(a.octets, a.paced ? UINT32_MAX : 2 * w.mss);
    return false;
  }
  constexpr void paused(Duration) {}

 private:
  uint32_t gathered_ = 0;
};

}  // namespace sluice::tcp
