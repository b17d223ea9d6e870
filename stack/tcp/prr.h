// SPDX-License-Identifier: Apache-2.0
// Proportional rate reduction: how the window comes down to ssthresh over one round trip. RFC 6937 §3.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice::tcp {

class Prr {
 public:
  constexpr void start(uint32_t flight) {
    recover_fs_ = std::max(flight, 1u);
    delivered_ = out_ = 0;
  }
  // The window after an acknowledgement that delivered `delivered` octets. `safe`: it moved una and told of
  // no new loss, so slow start towards ssthresh is in order (SSRB), otherwise packet conservation (CRB).
  constexpr uint32_t on_ack(uint32_t delivered, uint32_t pipe, uint32_t ssthresh, uint32_t mss, bool safe) {
    delivered_ += delivered;
    uint32_t count = 0;
    if (pipe > ssthresh) {
      const uint64_t due = (static_cast<uint64_t>(delivered_) * ssthresh + recover_fs_ - 1) / recover_fs_;
      count = due > out_ ? static_cast<uint32_t>(due) - out_ : 0;
    } else {
      uint32_t limit = std::max(delivered_ > out_ ? delivered_ - out_ : 0, delivered);
      if (safe) limit += mss;
      count = std::min(ssthresh - pipe, limit);
    }
    if (out_ == 0) count = std::max(count, mss);  // the fast retransmit itself
    return pipe + count;
  }
  constexpr void sent(uint32_t octets) { out_ += octets; }

 private:
  uint32_t recover_fs_ = 1;           // RecoverFS
  uint32_t delivered_ = 0, out_ = 0;  // prr_delivered, prr_out
};

}  // namespace sluice::tcp
