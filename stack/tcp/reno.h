// SPDX-License-Identifier: Apache-2.0
// NewReno: how much may be in flight. RFC 5681, RFC 6582, initial window RFC 6928. Knows octets and
// acknowledgements; knows no segment and no time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "wire/seq_num.h"

namespace sluice::tcp {

class Reno {
 public:
  static constexpr uint8_t duplicate_threshold = 3;

  constexpr void start(uint32_t mss, uint32_t initial_segments) {
    mss_ = mss;
    initial_ = cwnd_ = mss * initial_segments;
  }
  constexpr uint32_t window() const { return cwnd_; }
  constexpr uint32_t threshold() const { return ssthresh_; }
  constexpr bool recovering() const { return recovering_; }
  constexpr SeqNum recover() const { return recover_; }
  constexpr uint8_t duplicates() const { return duplicates_; }

  // What may be sent beyond the window on the first two duplicate ACKs: limited transmit, RFC 3042.
  constexpr uint32_t extra() const { return recovering_ ? 0 : duplicates_ * mss_; }

  // A duplicate ACK arrived with `flight` octets outstanding up to `max`. True: enter fast retransmit, resend
  // the first unacknowledged segment.
  constexpr bool on_duplicate(SeqNum una, SeqNum max, uint32_t flight) {
    if (recovering_) {
      cwnd_ += mss_;  // RFC 5681 §3.2 step 4
      return false;
    }
    if (duplicates_ < duplicate_threshold) ++duplicates_;
    if (duplicates_ < duplicate_threshold) return false;
    if (has_recover_ && !una.after(recover_)) return false;  // RFC 6582 §3.2 step 1: still the old loss
    duplicates_ = 0;
    recovering_ = has_recover_ = true;
    recover_ = max;
    ssthresh_ = std::max(flight / 2, 2 * mss_);
    cwnd_ = ssthresh_ + 3 * mss_;
    return true;
  }

  // `acked` new octets up to `una`, `flight` still outstanding, `limited`: the window was what held us back.
  // True: a partial acknowledgement, resend the next hole (RFC 6582 §3.2 step 3).
  constexpr bool on_ack(SeqNum una, uint32_t acked, uint32_t flight, bool limited) {
    duplicates_ = 0;
    if (recovering_) {
      if (una.before(recover_)) {
        cwnd_ = std::max(cwnd_ > acked ? cwnd_ - acked : 0, mss_) + (acked >= mss_ ? mss_ : 0);
        return true;
      }
      recovering_ = false;
      cwnd_ = std::min(ssthresh_, std::max(flight, mss_) + mss_);
      return false;
    }
    if (has_recover_ && una.after(recover_)) has_recover_ = false;  // old enough to wrap around one day
    if (!limited || cwnd_ > most) return false;  // a window that was not used proves nothing
    if (cwnd_ < ssthresh_) {
      cwnd_ += std::min(acked, 2 * mss_);  // slow start, RFC 3465 with L = 2
      return false;
    }
    gathered_ += acked;  // congestion avoidance: one segment a window, RFC 5681 §3.1
    if (gathered_ >= cwnd_) {
      gathered_ -= cwnd_;
      cwnd_ += mss_;
    }
    return false;
  }

  // The retransmission timer fired; `first`: for the first time for this segment (RFC 5681 §3.1).
  constexpr void on_timeout(SeqNum max, uint32_t flight, bool first) {
    if (first) ssthresh_ = std::max(flight / 2, 2 * mss_);
    cwnd_ = mss_;
    gathered_ = 0;
    duplicates_ = 0;
    recovering_ = false;
    has_recover_ = true;
    recover_ = max;
  }
  // Nothing was sent for more than a retransmission timeout: RFC 5681 §4.1.
  constexpr void on_idle() { cwnd_ = std::min(cwnd_, initial_); }

 private:
  static constexpr uint32_t most = 1u << 30;

  uint32_t mss_ = 536, initial_ = 0;
  uint32_t cwnd_ = 0, ssthresh_ = UINT32_MAX, gathered_ = 0;
  SeqNum recover_;
  uint8_t duplicates_ = 0;
  bool recovering_ = false, has_recover_ = false;
};

}  // namespace sluice::tcp
