// SPDX-License-Identifier: Apache-2.0
// How a connection begins: RFC 9293 §3.5, §3.10.7.3; options RFC 9293 §3.7.1, RFC 7323.
#include "buf/stream.h"
#include "tcp/conn.h"
#include "tcp/isn.h"

namespace sluice::tcp {

using namespace wire::tcp_flag;

namespace {
constexpr uint16_t default_mss = 536;  // of a peer that names none: RFC 9293 §3.7.1 (MUST-15)
}  // namespace

Conn::Conn(Shared& shared, const Setup& s, Instant now)
    : shared_{&shared},
      state_{State::SynSent},
      our_mss_{s.mss},
      mss_{s.mss},
      max_text_{std::min(s.max_segment_text, Setup::most_segments * s.mss)},
      ts_offset_{s.ts_offset},
      heard_{now},
      sent_at_{now},
      sending_{shared.links},
      received_{shared.links} {
  snd_.una = snd_.nxt = snd_.max = s.iss;
  rcv_shift_ = shift_for(shared.options.receive_buffer);
  ts_on_ = shared.options.timestamps;
  scaling_ = shared.options.window_scaling;
}

Conn::Conn(Shared& shared, const Setup& s, const Segment& syn, Instant now) : Conn{shared, s, now} {
  state_ = State::SynReceived;
  passive_ = true;
  take_syn(syn, now);
}

void Conn::take_syn(const Segment& syn, Instant now) {
  const Options& o = shared_->options;
  rcv_.nxt = rcv_.acked = syn.seq + 1;
  rcv_.edge = rcv_.nxt + raw_window(o.receive_buffer, {}).v;  // what our SYN said, or will say
  snd_.wl1 = syn.seq;
  snd_.wnd = snd_.max_wnd = syn.window.v;  // never scaled in a SYN: RFC 7323 §2.2
  scaling_ = scaling_ && syn.options.shift.has_value();
  if (scaling_)
    snd_shift_ = *syn.options.shift;
  else
    rcv_shift_ = {};
  ts_on_ = ts_on_ && syn.options.timestamps.has_value();
  if (ts_on_) {
    ts_recent_ = syn.options.timestamps->val;
    ts_recent_at_ = now;
  }
  // RFC 9293 §3.7.1: what the peer takes and what our path carries, less the options in every segment.
  const uint32_t theirs = std::max<uint32_t>(syn.options.mss.value_or(default_mss), o.least_mss);
  mss_ = std::min(theirs, mss_) - (ts_on_ ? wire::TcpOptions::timestamps_size : 0u);
  max_text_ = std::max(std::min(max_text_, Setup::most_segments * mss_) / mss_ * mss_, mss_);
  reno_.start(mss_, o.initial_window);
}

// RFC 9293 §3.10.7.3, in its order.
Conn::Answer Conn::syn_sent(const Segment& in, Instant now) {
  const bool acks = in.has(ack);
  if (acks && (!in.ack.after(snd_.una) || in.ack.after(snd_.max))) {  // first
    drop(Counter::tcp_bad_ack);
    return in.has(rst) ? Answer::None : Answer::Reset;
  }
  if (in.has(rst)) {  // second
    if (!acks) return drop(Counter::tcp_bad_reset), Answer::None;
    drop(Counter::tcp_resets_in);
    fail();
    return Answer::None;
  }
  if (!in.has(syn)) return drop(Counter::tcp_not_syn), Answer::None;  // fifth
  take_syn(in, now);  // fourth; text in a SYN is not taken, the peer sends it again
  if (acks) {
    measure(in, now);
    snd_.una = in.ack;
    snd_.wl2 = in.ack;
    establish(now);
    acks_owed_ = 1;
    return Answer::None;
  }
  state_ = State::SynReceived;  // simultaneous open: RFC 9293 §3.5, figure 7
  snd_.nxt = snd_.una;
  return Answer::None;
}

void Conn::establish(Instant now) {
  shared_->count.add(Counter::tcp_established);
  events_ |= buf::stream_event::opened;
  snd_.nxt = later(snd_.nxt, snd_.una);
  timer_ = Idle{};
  enter(fin_wanted_ ? State::FinWait1 : State::Established, now);
}

// SYN, or SYN with ACK; again when nxt went back to una.
bool Conn::next_syn(Instant now, Segment& out) {
  if (snd_.nxt != snd_.una) return false;
  const Options& o = shared_->options;
  const bool again = snd_.max != snd_.una;
  out = {.seq = snd_.una, .flags = syn};
  out.window = raw_window(o.receive_buffer, {});
  if (state_ == State::SynReceived) {
    out.flags |= ack;
    out.ack = rcv_.acked = rcv_.nxt;
  }
  out.options.mss = our_mss_;
  if (scaling_) out.options.shift = rcv_shift_;
  if (ts_on_) out.options.timestamps = {timestamp_clock(now, ts_offset_), ts_recent_};
  snd_.nxt = snd_.max = snd_.una + 1;
  timed_ = !again;
  timed_end_ = snd_.max;
  timed_at_ = sent_at_ = now;
  acks_owed_ = 0;
  if (again) shared_->count.add(Counter::tcp_retransmits);
  if (!std::holds_alternative<Retransmit>(timer_)) timer_ = Retransmit{now + rtt_.rto(o), now};
  return true;
}

}  // namespace sluice::tcp
