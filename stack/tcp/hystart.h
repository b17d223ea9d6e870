// SPDX-License-Identifier: Apache-2.0
// HyStart++: slow start ends when round trips grow, not when packets die. RFC 9406 §4. Used for the first
// slow start of a connection only.
#pragma once

#include <algorithm>
#include <cstdint>

#include "wire/seq_num.h"

namespace sluice::tcp {

class HyStart {
 public:
  // An acknowledgement in slow start; `rtt_us` 0: it told no round trip. True: slow start is over.
  constexpr bool on_ack(SeqNum una, SeqNum nxt, uint32_t rtt_us) {
    if (!begun_ || una.after(window_end_)) {
      if (begun_ && css_ && ++css_rounds_ >= css_rounds) return true;
      begun_ = true;
      window_end_ = nxt;
      last_min_ = current_min_;
      current_min_ = none;
      samples_ = 0;
    }
    if (rtt_us == 0) return false;
    current_min_ = std::min(current_min_, rtt_us);
    if (samples_ < n_rtt_sample) ++samples_;
    if (samples_ < n_rtt_sample || current_min_ == none) return false;
    if (!css_) {
      if (last_min_ == none) return false;
      const uint32_t threshold = std::clamp(last_min_ / min_rtt_divisor, min_rtt_thresh, max_rtt_thresh);
      if (current_min_ < last_min_ + threshold) return false;
      css_ = true;
      css_baseline_ = current_min_;
      css_rounds_ = 0;
    } else if (current_min_ < css_baseline_) {  // it was no queue: back to slow start
      css_ = false;
    }
    return false;
  }
  // Conservative slow start grows at a quarter of the pace.
  constexpr uint32_t divisor() const { return css_ ? css_growth_divisor : 1; }
  constexpr bool conservative() const { return css_; }

 private:
  static constexpr uint32_t none = UINT32_MAX;
  static constexpr uint32_t min_rtt_thresh = 4'000, max_rtt_thresh = 16'000, min_rtt_divisor = 8;  // us
  static constexpr uint8_t n_rtt_sample = 8, css_rounds = 5;
  static constexpr uint32_t css_growth_divisor = 4;

  SeqNum window_end_;
  uint32_t last_min_ = none, current_min_ = none, css_baseline_ = none;
  uint8_t samples_ = 0, css_rounds_ = 0;
  bool begun_ = false, css_ = false;
};

}  // namespace sluice::tcp
