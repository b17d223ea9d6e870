// SPDX-License-Identifier: Apache-2.0
// What one acknowledgement told, gathered while it is taken.
#pragma once

#include "tcp/conn.h"

namespace sluice::tcp {

struct Conn::Told {
  SeqNum was_una;
  uint32_t delivered = 0;   // octets that were not known to have arrived: RFC 6937 DeliveredData
  uint32_t cumulative = 0;  // octets una moved by
  uint32_t duplicated = 0;  // octets a D-SACK names
  uint32_t expected = 1;    // round trips to be measured in a flight like this: RFC 7323 App. G
  uint32_t lost_before = 0;
  bool duplicate = false;         // RFC 5681 §2
  bool sacked = false;            // something new was selectively acknowledged
  bool original = false;          // something arrived that was sent once, before the phase began
  bool again = false;             // something arrived that was sent more than once
  bool probe_duplicated = false;  // the D-SACK names the end of the loss probe
  Instant sent;                   // when the oldest that arrived was sent, if it was sent once; else 0
  bool ended = false;             // it ended a recovery
  bool rated = false;
  Sent newest{};  // of what arrived, the last to be sent

  bool advanced() const { return cumulative != 0; }
};

}  // namespace sluice::tcp
