// SPDX-License-Identifier: Apache-2.0
// What is left of a connection in TIME-WAIT: RFC 9293 §3.6.1, RFC 6191, RFC 1337. At most 64 bytes.
#pragma once

#include <cstdint>

#include "base/instant.h"
#include "tcp/isn.h"
#include "tcp/segment.h"

namespace sluice::tcp {

struct TimeWait {
  Tuple tuple;
  uint32_t hash = 0;  // of the tuple, for the flow table
  SeqNum snd_nxt, rcv_nxt;
  uint32_t ts_recent = 0;
  uint32_t until_ms = 0;  // on the timestamp clock without offset, which turns after 49 days
  bool timestamps = false;

  enum class Answer : uint8_t { Nothing, Acknowledge, Reopen };

  // What a segment for the old connection deserves. Reopen: a SYN that cannot be an old one.
  constexpr Answer on_segment(const Segment& in) const {
    using namespace wire::tcp_flag;
    if (in.has(rst)) return Answer::Nothing;  // RFC 1337: a stray reset must not end the wait
    if (in.has(syn) && !in.has(ack)) {
      const auto& ts = in.options.timestamps;
      if (timestamps && ts && ts->val != ts_recent)
        return static_cast<int32_t>(ts->val - ts_recent) > 0 ? Answer::Reopen : Answer::Acknowledge;
      return in.seq.after(rcv_nxt) ? Answer::Reopen : Answer::Acknowledge;
    }
    // The peer's FIN again, or something older still; a bare acknowledgement ends the matter.
    return in.length() != 0 ? Answer::Acknowledge : Answer::Nothing;
  }
  Segment acknowledgement(uint32_t ts_offset, Instant now) const {
    Segment s{.seq = snd_nxt, .ack = rcv_nxt, .flags = wire::tcp_flag::ack};
    if (timestamps) s.options.timestamps = {timestamp_clock(now, ts_offset), ts_recent};
    return s;
  }
};
static_assert(sizeof(TimeWait) <= 64);

}  // namespace sluice::tcp
