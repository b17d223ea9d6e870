// SPDX-License-Identifier: Apache-2.0
// What a connection remembers while something is in flight, and for as long as a loss that was none may still
// be told. One idle keeps none of it.
#pragma once

#include <cstdint>

#include "tcp/congestion.h"
#include "tcp/prr.h"
#include "tcp/rack.h"
#include "tcp/scoreboard.h"

namespace sluice::tcp {

struct Flight {
  // RFC 6582 §3, RFC 6675 §5, RFC 3168 §6.1.2, RFC 6298 §5.
  enum class Phase : uint8_t {
    Open,
    Reduction,  // the window comes down without a loss: ECN, or a loss that a probe repaired
    Recovery,   // and what was lost is sent again
    Loss        // after a timeout
  };

  explicit Flight(SeqNum una) : board{una}, rack{una}, recover{una}, tlp_end{una} {}

  Scoreboard board;
  Rack rack;
  Phase phase = Phase::Open;
  uint8_t duplicates = 0;  // acknowledgements that moved nothing, from a peer without SACK
  uint8_t frto = 0;        // RFC 5682 §2.1: the step that comes next, 0 when none
  bool undo = false;       // `before` may come back
  bool stamped = false;    // again_ts is set
  bool eifel = false;      // and again_first was sent once before
  bool tlp_out = false;    // RFC 8985 §7: a probe is not answered yet
  bool tlp_again = false;  // TLP.is_retrans
  SeqNum recover;          // what was sent when this phase began
  SeqNum tlp_end;          // TLP.end_seq
  Instant rto_at;          // RFC 6298 §5, whatever timer runs
  Duration reorder_wait;   // RFC 8985 §6.2 step 5: until more is deemed lost; 0: nothing waits
  Prr prr;

  // Undoing: RFC 3522, RFC 3708, RFC 5682.
  uint32_t again_ts = 0;     // our timestamp when something was first sent again in this phase
  SeqNum again_first;        // where that began
  uint32_t undo_octets = 0;  // sent again, and not told by D-SACK to have come twice
  Congestion before;

  // RFC 5927 §7.2: segments of `smaller_mss` octets are said to fit, not more, because of the one at
  // `too_big`.
  uint32_t smaller_mss = 0;
  SeqNum too_big;

  // Delivery rate (rate.h).
  uint32_t delivered = 0, delivered_us = 0, first_sent_us = 0;
  uint32_t dry_until = 0;  // `delivered` at which what was sent around a lack of text has arrived
  bool dry = false;        // not yet

  bool recovering() const { return phase != Phase::Open; }
  // Nothing that may still arrive would change anything.
  bool over() const { return board.empty() && !undo && !tlp_out; }
};

}  // namespace sluice::tcp
