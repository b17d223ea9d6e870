// SPDX-License-Identifier: Apache-2.0
// Text leaves at a pace, not in bursts of a whole window: RFC 9438 does not ask for it, RFC 9002 §7.7 says
// how. The timer wheel ticks in milliseconds, so what one tick holds may go together, and a path whose whole
// window goes out within one tick is not paced at all; nor is a window no larger than the first one, whose
// segments would only be late (8 % of the goodput at 100 ms and 3 % loss).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/instant.h"

namespace sluice::tcp {

// So many octets in that time.
struct Pace {
  uint64_t octets;
  Duration in;

  constexpr uint64_t per_second() const {
    return in.us() <= 0 ? 0 : octets * 1'000'000 / static_cast<uint64_t>(in.us());
  }
};

class Pacer {
 public:
  static constexpr Duration tick = 1_ms;

  // The window is spread over a part of the round trip: half of it while it may double, 5/6 after.
  static constexpr uint64_t spread(uint32_t cwnd, bool slow_start) {
    return slow_start ? uint64_t{cwnd} * 2 : uint64_t{cwnd} * 6 / 5;
  }

  constexpr bool open(Instant now) const { return burst_ != 0 || next_ <= now + tick; }
  constexpr Instant opens_at() const { return next_ - tick; }
  // Nothing is in flight: the next `octets` may go at once.
  constexpr void rested(uint32_t octets) { burst_ = octets; }
  // Something else than the path is short: not before the next tick.
  constexpr void wait(Instant now) {
    burst_ = 0;
    next_ = std::max(next_, now + tick * 2);
  }
  // `pace.in` of 0: they did not have to wait.
  constexpr void sent(uint32_t octets, Pace pace, Instant now) {
    const uint32_t free = std::min(octets, burst_);
    burst_ -= free;
    if (pace.in <= tick || free == octets) return;
    const uint64_t ns =
        (octets - free) * static_cast<uint64_t>(pace.in.ns) / std::max<uint64_t>(pace.octets, 1);
    next_ = std::max(next_, now) + Duration{static_cast<int64_t>(ns)};
  }

 private:
  Instant next_{static_cast<uint64_t>(tick.ns)};  // when what was sent so far is due
  uint32_t burst_ = 0;                            // octets that need not wait
};

}  // namespace sluice::tcp
