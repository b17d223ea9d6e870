// SPDX-License-Identifier: Apache-2.0
// A handshake of which we know a SYN: what it offered, our answer to it, and the record that waits for the
// third segment. RFC 9293 §3.10.7.4 for SYN-RECEIVED, without a connection. Knows no packet and no table.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tcp/isn.h"
#include "tcp/options.h"
#include "tcp/segment.h"

namespace sluice::tcp {

constexpr uint16_t default_mss = 536;  // of a peer that names none: RFC 9293 §3.7.1 (MUST-15)

// Enough to answer a SYN again, and to make the connection once the peer has the answer.
struct Opening {
  SeqNum iss, irs;
  uint32_t ts_offset = 0, ts_recent = 0;
  uint16_t mss = default_mss;  // what the peer takes
  uint16_t shift : 4 = 0;      // the peer's window scale
  uint16_t scaling : 1 = 0;    // agreed; the same below
  uint16_t timestamps : 1 = 0;
  uint16_t sack : 1 = 0;
  uint16_t ecn : 1 = 0;
  uint16_t tries : 7 = 0;  // answers that were sent again

  static constexpr Opening of(const Segment& syn, SeqNum iss, uint32_t ts_offset, const Options& o) {
    Opening a{.iss = iss, .irs = syn.seq, .ts_offset = ts_offset};
    a.mss = syn.options.mss.value_or(default_mss);
    if (o.window_scaling && syn.options.shift) {
      a.scaling = 1;
      a.shift = syn.options.shift->v & 0xf;
    }
    if (o.timestamps && syn.options.timestamps) {
      a.timestamps = 1;
      a.ts_recent = syn.options.timestamps->val;
    }
    a.sack = o.sack && syn.options.sack_permitted;
    using namespace wire::tcp_flag;
    a.ecn = o.ecn != 0 && syn.has(ece) && syn.has(cwr);  // RFC 3168 §6.1.1
    return a;
  }

  // SYN and ACK. `our_mss`: what our path carries.
  constexpr Segment answer(uint16_t our_mss, const Options& o, Instant now) const {
    using namespace wire::tcp_flag;
    Segment s{.seq = iss, .ack = irs + 1, .flags = syn | ack, .window = raw_window(window(o), {})};
    if (ecn) s.flags |= ece;
    s.options.mss = our_mss;
    if (scaling) s.options.shift = shift_for(o.receive_buffer);
    if (timestamps) s.options.timestamps = {timestamp_clock(now, ts_offset), ts_recent};
    s.options.sack_permitted = sack;
    return s;
  }
  // The SYN as the connection is to see it; its window no longer matters, the third segment has a newer one.
  constexpr Segment first() const {
    using namespace wire::tcp_flag;
    Segment s{.seq = irs, .flags = syn};
    if (ecn) s.flags |= ece | cwr;
    s.options.mss = mss;
    if (scaling) s.options.shift = WindowShift{static_cast<uint8_t>(shift)};
    if (timestamps) s.options.timestamps = {ts_recent, 0};
    s.options.sack_permitted = sack;
    return s;
  }
  constexpr Segment acknowledgement(const Options& o, Instant now) const {
    Segment s{.seq = iss + 1, .ack = irs + 1, .flags = wire::tcp_flag::ack, .window = offered(o)};
    if (timestamps) s.options.timestamps = {timestamp_clock(now, ts_offset), ts_recent};
    return s;
  }
  // For a peer that may think it is connected (RFC 9293 §3.10.5).
  constexpr Segment reset(Instant now) const {
    using namespace wire::tcp_flag;
    Segment s{.seq = iss + 1, .ack = irs + 1, .flags = rst | ack};
    if (timestamps) s.options.timestamps = {timestamp_clock(now, ts_offset), ts_recent};  // RFC 7323 §3.2
    return s;
  }

  enum class Answer : uint8_t {
    Drop,         // `why` says it
    Again,        // our SYN and ACK once more
    Acknowledge,  // what we have, at once
    Challenge,    // the same, within the budget of RFC 5961 §7
    Forget,       // an exact reset
    Reset,        // the segment is answered with one; we go on waiting
    Complete      // the handshake has ended: the segment goes to the connection
  };
  struct Verdict {
    Answer answer;
    Counter why = Counter::tcp_established;  // not for Again, Forget and Complete
  };
  constexpr Verdict on_segment(const Segment& in, const Options& o) const {
    using namespace wire::tcp_flag;
    const auto& ts = in.options.timestamps;
    const SeqNum nxt = irs + 1;
    const bool syn_again = in.has(syn) && !in.has(ack) && !in.has(rst) && in.seq == irs;
    if (syn_again) return {Answer::Again};
    if (timestamps && !in.has(rst)) {  // RFC 7323 §5.3 (R1), §3.2
      if (!ts) return {Answer::Drop, Counter::tcp_no_timestamp};
      if (static_cast<int32_t>(ts->val - ts_recent) < 0)
        return {in.length() == 0 ? Answer::Challenge : Answer::Acknowledge, Counter::tcp_paws};
    }
    const uint32_t wnd = raw_window(window(o), {}).v, len = in.length();
    if (!in.seq.in(nxt, wnd) && !(len != 0 && (in.seq + (len - 1)).in(nxt, wnd))) {  // first
      if (in.has(rst)) return {Answer::Drop, Counter::tcp_bad_reset};
      return {len == 0 ? Answer::Challenge : Answer::Acknowledge, Counter::tcp_out_of_window};
    }
    if (in.has(rst)) {  // second; RFC 5961 §3.2
      if (in.seq == nxt) return {Answer::Forget};
      return {Answer::Challenge, Counter::tcp_bad_reset};
    }
    if (in.has(syn)) return {Answer::Challenge, Counter::tcp_bad_syn};  // fourth; RFC 5961 §4.2
    if (!in.has(ack)) return {Answer::Drop, Counter::tcp_no_ack};       // fifth
    if (in.ack != iss + 1) return {Answer::Reset, Counter::tcp_bad_ack};
    return {Answer::Complete};
  }

 private:
  static constexpr uint32_t window(const Options& o) { return std::min(o.receive_window, o.receive_buffer); }
  constexpr RawWindow offered(const Options& o) const {
    return raw_window(raw_window(window(o), {}).v, scaling ? shift_for(o.receive_buffer) : WindowShift{});
  }
};

// One that waits for its third segment; the room keeps as many as `half_open` says.
struct SynRecord {
  Tuple tuple;
  uint32_t sent_us = 0;  // when our answer left, on a clock that turns; 0: more than one did
  Opening opening;

  static uint32_t clock(Instant t) { return std::max(static_cast<uint32_t>(t.ns / 1'000), 1u); }
  // RFC 6298 §2.2, §3: the peer's word came now; 0 when nobody knows to which answer.
  Duration round_trip(Instant now) const {
    return sent_us == 0 ? Duration{} : Duration::from_us(clock(now) - sent_us);
  }
};
static_assert(sizeof(SynRecord) <= 64);

}  // namespace sluice::tcp
