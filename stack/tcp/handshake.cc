// SPDX-License-Identifier: Apache-2.0
// How a connection begins: RFC 9293 §3.5, §3.10.7.3; options RFC 9293 §3.7.1, RFC 7323.
#include "buf/stream.h"
#include "tcp/conn.h"
#include "tcp/isn.h"
#include "tcp/opening.h"

namespace sluice::tcp {

using namespace wire::tcp_flag;

Conn::Conn(Shared& shared, const Setup& s, Instant now)
    : shared_{&shared},
      state_{State::SynSent},
      limits_{s.limits},
      our_mss_{s.mss},
      mss_{s.mss},
      max_text_{std::min(s.max_segment_text, Setup::most_segments * s.mss)},
      buffer_{std::min(shared.options.receive_window, shared.options.receive_buffer)},
      ts_offset_{s.ts_offset},
      heard_{now},
      sent_at_{now},
      sending_{shared.links},
      received_{shared.links} {
  snd_.una = snd_.nxt = limited_to_ = s.iss;
  rcv_shift_ = shift_for(shared.options.receive_buffer);
  ts_on_ = shared.options.timestamps;
  scaling_ = shared.options.window_scaling;
  sack_ok_ = shared.options.sack;
  quick_ = static_cast<uint8_t>(shared.options.quick_acks);
  ecn_ok_ = shared.options.ecn == 1;  // that is, asked for
  congestion_.start(s.congestion, s.mss, shared.options.initial_window);
}

Conn::Conn(Shared& shared, const Setup& s, const Segment& syn, Instant now) : Conn{shared, s, now} {
  state_ = State::SynReceived;
  passive_ = true;
  take_syn(syn, now);
}

void Conn::take_syn(const Segment& syn, Instant now) {
  const Options& o = shared_->options;
  rcv_.nxt = rcv_.acked = syn.seq + 1;
  rcv_.edge = rcv_.nxt + raw_window(buffer_, {}).v;  // what our SYN said, or will say
  space_ = {.from = rcv_.nxt, .since_ms = timestamp_clock(now, 0)};
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
  sack_ok_ = sack_ok_ && syn.options.sack_permitted;
  // RFC 3168 §6.1.1: a SYN asks with both flags, its answer agrees with one; who once sent a SYN that did not
  // ask is out of it.
  const bool may = passive_ ? o.ecn != 0 : ecn_ok_;
  ecn_ok_ = may && syn.has(ece) && syn.has(cwr) != syn.has(ack);
  // RFC 9293 §3.7.1: what the peer takes and what our path carries, less the options in every segment.
  const uint32_t theirs = std::max<uint32_t>(syn.options.mss.value_or(default_mss), o.least_mss);
  mss_ = std::min(theirs, mss_) - (ts_on_ ? wire::TcpOptions::timestamps_size : 0u);
  max_text_ = std::max(std::min(max_text_, Setup::most_segments * mss_) / mss_ * mss_, mss_);
  congestion_.start(congestion_.algorithm(), mss_, o.initial_window);
}

// RFC 9293 §3.10.7.3, in its order.
Conn::Answer Conn::syn_sent(const Segment& in, Instant now) {
  const bool acks = in.has(ack);
  if (acks && (!in.ack.after(snd_.una) || in.ack.after(snd_.nxt))) {  // first
    drop(Counter::tcp_bad_ack);
    return in.has(rst) ? Answer::None : Answer::Reset;
  }
  if (in.has(rst)) {  // second
    if (!acks) return drop(Counter::tcp_bad_reset), Answer::None;
    drop(Counter::tcp_resets_in);
    if (ecn_ok_ && snd_.nxt != snd_.una) {  // perhaps only the question was refused: RFC 3168 §6.1.1.1
      resend_ = true;
      return Answer::None;
    }
    fail(buf::Failure::Refused);
    return Answer::None;
  }
  if (!in.has(syn)) return drop(Counter::tcp_not_syn), Answer::None;  // fifth
  take_syn(in, now);  // fourth; text in a SYN is not taken, the peer sends it again
  if (acks) {
    if (timed_) rtt_.sample(now - sent_at_, now);  // RFC 6298 §3: a SYN sent once
    snd_.una = in.ack;
    snd_.wl2 = in.ack;
    establish(now);
    acks_owed_ = 1;
    return Answer::None;
  }
  state_ = State::SynReceived;  // simultaneous open: RFC 9293 §3.5, figure 7
  resend_ = true;
  return Answer::None;
}

void Conn::answered(Duration took, Instant now) {
  snd_.nxt = snd_.una + 1;
  timed_ = took.ns != 0;
  sent_at_ = now - took;
  timer_ = Retransmit{now + rtt_.rto(shared_->options), now};
}

void Conn::establish(Instant now) {
  shared_->count.add(Counter::tcp_established);
  if (ecn_ok_) shared_->count.add(Counter::tcp_ecn_agreed);
  events_ |= buf::stream_event::opened;
  resend_ = false;
  no_way_ = false;  // there was one
  pacer_.rested(mss_ * shared_->options.initial_window);
  timer_ = Idle{};
  enter(fin_wanted_ ? State::FinWait1 : State::Established, now);
}

// When connecting, begun at `since`, is given up.
Instant Conn::connects_until(Instant since) const {
  const Duration most = shared_->options.connect_timeout;
  return passive_ || most.ns == 0 ? Instant::never() : since + most;
}

// SYN, or SYN with ACK.
bool Conn::next_syn(Instant now, Segment& out) {
  const bool again = snd_.nxt != snd_.una;
  if (again && !resend_) return false;
  resend_ = false;
  const Options& o = shared_->options;
  out = {.seq = snd_.una, .flags = syn};
  out.window = raw_window(buffer_, {});
  if (state_ == State::SynReceived) {
    out.flags |= ack;
    out.ack = rcv_.acked = rcv_.nxt;
    if (ecn_ok_) out.flags |= ece;
  } else if (ecn_ok_ && !again) {
    out.flags |= ece | cwr;
  } else if (ecn_ok_) {  // a network that drops such a SYN gets an ordinary one: RFC 3168 §6.1.1.1
    ecn_ok_ = false;
    shared_->count.add(Counter::tcp_ecn_retried);
  }
  out.options.mss = our_mss_;
  if (scaling_) out.options.shift = rcv_shift_;
  if (ts_on_) out.options.timestamps = {timestamp_clock(now, ts_offset_), ts_recent_};
  out.options.sack_permitted = sack_ok_;
  snd_.nxt = snd_.una + 1;
  timed_ = !again;
  sent_at_ = now;
  acks_owed_ = 0;
  if (again) shared_->count.add(Counter::tcp_retransmits);
  if (!std::holds_alternative<Retransmit>(timer_))
    timer_ = Retransmit{std::min(now + rtt_.rto(o), connects_until(now)), now};
  return true;
}

}  // namespace sluice::tcp
