// SPDX-License-Identifier: Apache-2.0
// RACK: a segment is lost when one that was sent later has arrived and enough time has passed since: RFC 8985
// §5 and §6. What outlasts a flight is in Reordering.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/instant.h"
#include "tcp/scoreboard.h"

namespace sluice::tcp {

// How far this path was seen to reorder: RFC 8985 §6.2 steps 3 and 4.
struct Reordering {
  bool seen = false;
  uint8_t mult = 1;      // RACK.reo_wnd_mult
  uint8_t persist = 16;  // RACK.reo_wnd_persist, in recoveries
};

class Rack {
 public:
  static constexpr uint32_t duplicate_threshold = 3;

  explicit Rack(SeqNum una) : fack_{una} {}

  // Step 2: what of `s` ends at `end` was (S)ACKed now. `echoed_before`: the echoed timestamp is older than
  // s's last transmission, so an earlier one arrived.
  void delivered(const Sent& s, SeqNum end, Instant now, Duration min_rtt, bool echoed_before) {
    const Duration rtt = now - s.sent;
    if (s.is(Sent::again) && (echoed_before || rtt < min_rtt)) return;
    rtt_ = rtt;
    if (!after(s.sent, end, xmit_, end_)) return;
    xmit_ = s.sent;
    end_ = end;
  }
  // Step 3.
  void detect_reordering(const Sent& s, SeqNum end, Reordering& r) {
    if (end.after(fack_))
      fack_ = end;
    else if (end.before(fack_) && !s.is(Sent::again))
      r.seen = true;
  }
  // Step 4, the part that is told by D-SACK: the window grows once a round trip.
  void duplicate_told(Reordering& r, SeqNum nxt) {
    if (in_round_) return;
    in_round_ = true;
    round_ = nxt;
    r.mult = static_cast<uint8_t>(std::min(r.mult + 1, 255));
    r.persist = 16;
  }
  void advance(SeqNum una) {
    if (in_round_ && !una.before(round_)) in_round_ = false;
  }
  static void recovered(Reordering& r) {
    if (r.persist > 0) --r.persist;
    if (r.persist == 0) r.mult = 1;
  }
  // Step 4: RACK_update_reo_wnd.
  static Duration window(const Reordering& r, bool recovering, uint32_t segments_sacked, Duration min_rtt,
                         Duration srtt) {
    if (!r.seen && (recovering || segments_sacked >= duplicate_threshold)) return {};
    return std::min(min_rtt * r.mult / 4, srtt);
  }
  // Step 5: marks what is lost; returns how long to wait for the rest, 0 when for nothing.
  Duration detect_loss(Scoreboard& board, SentPool& p, Duration reo_wnd, Instant now) const {
    Duration wait;
    if (xmit_ == Instant{}) return wait;
    SeqNum at = board.first();
    board.each(p, [&](Sent& s, uint32_t n) {
      at = at + n;
      if (s.flags & (Sent::sacked | Sent::lost)) return true;
      // First transmissions are in the order of time, and what was sent again was so after all of them that
      // come before it: behind the first that is too young there is none to be found.
      if (!after(xmit_, end_, s.sent, at)) return s.is(Sent::again);
      const Duration left = s.sent + rtt_ + reo_wnd - now;
      if (left.ns <= 0)
        board.lose(s, n);
      else
        wait = std::max(wait, left);
      return true;
    });
    return wait;
  }
  // §6.3: a timeout condemns the first, and what is as old as the round trip allows.
  void timed_out(Scoreboard& board, SentPool& p, Duration reo_wnd, uint32_t mss, Instant now) const {
    board.lose_head(p, mss);
    board.each(p, [&](Sent& s, uint32_t n) {
      if (s.sent + rtt_ + reo_wnd <= now) board.lose(s, n);
      return true;
    });
  }

 private:
  // RACK_sent_after.
  static bool after(Instant t1, SeqNum end1, Instant t2, SeqNum end2) {
    return t1 > t2 || (t1 == t2 && end1.after(end2));
  }

  Instant xmit_;  // RACK.xmit_ts; 0: nothing arrived yet
  SeqNum end_;    // RACK.end_seq
  SeqNum fack_;   // RACK.fack
  SeqNum round_;  // RACK.dsack_round
  bool in_round_ = false;
  Duration rtt_;  // RACK.rtt
};

}  // namespace sluice::tcp
