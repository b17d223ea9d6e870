// SPDX-License-Identifier: Apache-2.0
// What every congestion control works on, and what an acknowledgement tells it.
#pragma once

#include <cstdint>

#include "base/instant.h"
#include "wire/seq_num.h"

namespace sluice::tcp {

struct CongestionWindow {
  uint32_t mss = 536;
  uint32_t cwnd = 0, ssthresh = UINT32_MAX;  // octets
};

struct Acked {
  Instant now;
  uint32_t octets = 0;  // newly delivered
  Duration rtt;         // measured by this acknowledgement; 0: none
  Duration srtt;        // 0: none yet
  SeqNum una, nxt;
  bool paced = false;  // bursts are broken up, so an acknowledgement of many segments may count in full
};

}  // namespace sluice::tcp
