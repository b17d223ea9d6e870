// SPDX-License-Identifier: Apache-2.0
// Segments of one connection that came in one burst, each going on where the one before ended, are taken as
// one (what others call GRO). Only what would have told the connection the same one by one: see the tests.
// Where memory is short a run may lose more at once than its segments would have one by one.
#pragma once

#include "tcp/segment.h"

namespace sluice::tcp {

// Whether `next`, of the same connection and behind `to`, adds to it nothing but text. All pieces but the
// last have one size, so that they can still be counted; a PSH, a mark of congestion and whatever flag is not
// ACK stays where it was.
inline bool continues(const Segment& to, const Segment& next) {
  using namespace wire::tcp_flag;
  const uint32_t each = to.mss != 0 ? to.mss : to.text;
  return next.seq == to.seq + to.text && next.text != 0 && next.text <= each && to.text % each == 0 &&
         next.ack == to.ack && next.window == to.window && to.flags == ack && (next.flags & ~psh) == ack &&
         next.ecn == to.ecn && to.ecn != ecn::ce && next.mss == 0 && next.options == to.options &&
         to.options.sacks.empty();
}

// After continues().
inline void merge(Segment& to, const Segment& next) {
  if (to.mss == 0) to.mss = static_cast<uint16_t>(to.text);
  to.text += next.text;
  to.flags |= next.flags;
}

}  // namespace sluice::tcp
