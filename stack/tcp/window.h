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

// The same for one that models the path (bbr.h): also while something is being repaired, and with the rate of
// delivery (rate.h).
struct Delivered {
  Instant now;
  uint32_t octets = 0;          // newly delivered
  uint32_t lost = 0;            // octets newly deemed lost
  uint32_t pipe = 0;            // octets in the network now
  uint32_t total = 0;           // delivered so far, modulo 2^32
  uint32_t sent_delivered = 0;  // as it was when the newest of what arrived was sent
  uint64_t rate = 0;            // octets a second
  uint32_t interval_us = 0;     // over which it was measured
  Duration rtt, srtt;           // 0: none measured
  bool rated = false;           // the four above are there
  bool rate_limited = false;    // by the service, which had no more to send
};

}  // namespace sluice::tcp
