// SPDX-License-Identifier: Apache-2.0
// A segment arrives: RFC 9293 §3.10.7.4, one function per step and in its order, with the checks of RFC 5961
// and RFC 7323 where they belong.
#include "buf/stream.h"
#include "tcp/conn.h"
#include "tcp/isn.h"

namespace sluice::tcp {

using namespace wire::tcp_flag;

Conn::Answer Conn::on_segment(const Segment& in, buf::ByteQueue&& text, Instant now) {
  if (state_ == State::Closed || state_ == State::TimeWait) return Answer::None;
  if (state_ == State::SynSent) return syn_sent(in, now);
  if (predicted(in)) {
    shared_->count.add(Counter::tcp_predicted);
    hear(now);
    take_timestamp(in, now);
    take_ack(in, now);
    take_window(in, now);
    if (ecn_ok_ && in.text != 0) check_ecn(in);
    take_text(in, std::move(text), now);
    return Answer::None;
  }
  // A step that answers or drops ends the walk.
  Step s = check_paws(in, now);
  if (s == Step::Go) s = check_sequence(in, now);  // first
  if (s == Step::Go) s = check_rst(in, now);       // second; the third is security, long dead
  if (s == Step::Go) s = check_syn(in, now);       // fourth
  if (s == Step::Go) s = check_ack(in, now);       // fifth; the sixth, urgent data, is text to us
  if (s != Step::Go) return s == Step::Reset ? Answer::Reset : Answer::None;
  if (ecn_ok_ && in.text != 0) check_ecn(in);
  take_text(in, std::move(text), now);  // seventh
  check_fin(in, now);                   // eighth
  return Answer::None;
}

// Whether every step of the walk is known to go on: nearly all segments are the next text or acknowledge
// some. What the steps would do is the same (proven by Prediction.* in tests/tcp).
bool Conn::predicted(const Segment& in) const {
  if (!shared_->predicts || state_ != State::Established || fin_seen_ || probed_) return false;
  if ((in.flags & ~psh) != ack || in.seq != rcv_.nxt) return false;
  if (in.ack.before(snd_.una) || in.ack.after(snd_.nxt)) return false;
  const auto& ts = in.options.timestamps;
  return !ts_on_ || (ts && static_cast<int32_t>(ts->val - ts_recent_) >= 0);
}

// The peer lives.
void Conn::hear(Instant now) {
  heard_ = now;
  alive_ = true;
}

// RFC 7323 §4.3 (2): the timestamp to echo. Of a segment whose acknowledgement was found good too, or anybody
// who guesses a place in the window could set it, and PAWS would drop what the peer sends.
void Conn::take_timestamp(const Segment& in, Instant now) {
  const auto& ts = in.options.timestamps;
  if (!ts_on_ || !ts || in.seq.after(rcv_.acked) || static_cast<int32_t>(ts->val - ts_recent_) < 0) return;
  ts_recent_ = ts->val;
  ts_recent_at_ = now;
}

// RFC 5961 §7: within the worker's budget.
void Conn::challenge(Instant now) {
  if (!shared_->challenges.take(now)) return drop(Counter::tcp_challenge_acks_kept);
  shared_->count.add(Counter::tcp_challenge_acks);
  acks_owed_ = std::max<uint8_t>(acks_owed_, 1);
}

// RFC 7323 §5.3 (R1), §3.2: before anything else, but a reset is judged by its sequence number alone.
Conn::Step Conn::check_paws(const Segment& in, Instant now) {
  if (!ts_on_ || in.has(rst)) return Step::Go;
  if (!in.options.timestamps) {
    drop(Counter::tcp_no_timestamp);
    return Step::Stop;
  }
  constexpr Duration outdated = Duration::from_s(24 * 86'400);  // §5.5: half of the clock's turn
  if (static_cast<int32_t>(in.options.timestamps->val - ts_recent_) >= 0) return Step::Go;
  if (now - ts_recent_at_ > outdated) return Step::Go;
  drop(Counter::tcp_paws);
  if (in.length() == 0)
    challenge(now);
  else
    acks_owed_ = std::max<uint8_t>(acks_owed_, 1);
  return Step::Stop;
}

Conn::Step Conn::check_sequence(const Segment& in, Instant now) {
  const uint32_t wnd = rcv_wnd(), len = in.length();
  // A closed window takes what stands right at its edge, for its ACK and RST: §3.10.7.4.
  // What reaches over both edges, as merged segments may, has text for the window too.
  const bool over = wnd != 0 && in.seq.before(rcv_.nxt) && (in.seq + len).after(rcv_.edge);
  const bool fits = in.seq == rcv_.nxt || in.seq.in(rcv_.nxt, wnd) ||
                    (len != 0 && (in.seq + (len - 1)).in(rcv_.nxt, wnd)) || over;
  if (fits) {
    hear(now);
    return Step::Go;
  }
  drop(in.seq.before(rcv_.nxt) && len != 0 ? Counter::tcp_duplicate : Counter::tcp_out_of_window);
  if (in.has(rst)) return Step::Stop;
  if (state_ == State::SynReceived && in.has(syn) && !in.has(ack) && in.seq + 1 == rcv_.nxt) {
    resend_ = true;  // our answer was lost: the peer repeats its SYN
    return Step::Stop;
  }
  // A repeated segment or a probe (one below the window) is answered always; what else has no length could
  // be the other end of a quarrel without end.
  if (len != 0 || in.seq + 1 == rcv_.nxt) {
    if (in.text != 0 && in.seq.before(rcv_.nxt)) tell_twice(in.seq, in.seq + in.text);
    hear(now);
    acks_owed_ = std::max<uint8_t>(acks_owed_, 1);
  } else {
    challenge(now);
  }
  return Step::Stop;
}

// RFC 5961 §3.2: only a reset that is exactly right is obeyed.
Conn::Step Conn::check_rst(const Segment& in, Instant now) {
  if (!in.has(rst)) return Step::Go;
  if (in.seq != rcv_.nxt) {
    drop(Counter::tcp_bad_reset);
    challenge(now);
    return Step::Stop;
  }
  shared_->count.add(Counter::tcp_resets_in);
  fail(state_ == State::SynReceived && !passive_ ? buf::Failure::Refused : buf::Failure::Reset);
  return Step::Stop;
}

// RFC 5961 §4.2: a SYN in the window may be a peer that restarted; if so it answers the challenge with RST.
Conn::Step Conn::check_syn(const Segment& in, Instant now) {
  if (!in.has(syn)) return Step::Go;
  drop(Counter::tcp_bad_syn);
  challenge(now);
  return Step::Stop;
}

Conn::Step Conn::check_ack(const Segment& in, Instant now) {
  if (!in.has(ack)) {
    drop(Counter::tcp_no_ack);
    return Step::Stop;
  }
  if (state_ == State::SynReceived) {
    if (!in.ack.after(snd_.una) || in.ack.after(snd_.nxt)) {
      drop(Counter::tcp_bad_ack);
      return Step::Reset;
    }
    take_timestamp(in, now);
    if (timed_) rtt_.sample(now - sent_at_, now);  // RFC 6298 §3: a SYN sent once
    snd_.una = snd_.una + 1;                       // our SYN; there is no text in flight yet
    snd_.wl1 = in.seq;
    snd_.wl2 = in.ack;
    snd_.wnd = in.window << snd_shift_;
    snd_.max_wnd = std::max(snd_.max_wnd, snd_.wnd);
    establish(now);
    return Step::Go;
  }
  if (probed_ && in.ack == snd_.nxt + 1) take_probe(now);
  // RFC 5961 §5.2
  const bool ancient = in.ack.before(snd_.una) && static_cast<uint32_t>(snd_.una - in.ack) > snd_.max_wnd;
  if (in.ack.after(snd_.nxt) || ancient) {
    drop(Counter::tcp_bad_ack);
    challenge(now);
    return Step::Stop;
  }
  take_timestamp(in, now);
  take_ack(in, now);
  take_window(in, now);
  if (fin_wanted_ && fin_acked_) {
    if (state_ == State::FinWait1) enter(State::FinWait2, now);
    if (state_ == State::Closing) enter(State::TimeWait, now);
    if (state_ == State::LastAck) enter(State::Closed, now);
  }
  return state_ == State::Closed || state_ == State::TimeWait ? Step::Stop : Step::Go;
}

// RFC 9293 §3.10.7.4, fifth: the window of the newest segment counts.
void Conn::take_window(const Segment& in, Instant now) {
  if (in.ack.before(snd_.una)) return;
  if (!snd_.wl1.before(in.seq) && !(snd_.wl1 == in.seq && !snd_.wl2.after(in.ack))) return;
  const uint32_t was = snd_.wnd;
  snd_.wnd = in.window << snd_shift_;
  snd_.max_wnd = std::max(snd_.max_wnd, snd_.wnd);
  snd_.wl1 = in.seq;
  snd_.wl2 = in.ack;
  if (snd_.wnd <= was || !std::holds_alternative<Persist>(timer_)) return;
  timer_ = Idle{};
  if (flight() == 0) return;
  resend_ = true;  // what the window had shut on
  timer_ = Retransmit{now + rtt_.rto(shared_->options), now};
}

bool Conn::answers_text() const {
  return state_ == State::Established || state_ == State::FinWait1 || state_ == State::FinWait2;
}

void Conn::take_text(const Segment& in, buf::ByteQueue&& text, Instant now) {
  if (in.text == 0) return;
  if (!answers_text() || (fin_seen_ && in.seq.after(fin_at_))) return drop(Counter::tcp_after_close);
  SeqNum seq = in.seq;
  const uint32_t each = in.mss != 0 ? in.mss : in.text;  // octets of a packet
  rcv_mss_ = std::max(rcv_mss_, std::min(each, 65'535u));
  if (text.size() != in.text) {
    acks_owed_ = std::max<uint8_t>(acks_owed_, 1);
    return drop(Counter::tcp_no_buffer);
  }
  uint32_t known = 0;
  if (seq.before(rcv_.nxt)) {
    tell_twice(seq, seq + in.text);
    known = static_cast<uint32_t>(rcv_.nxt - seq);
    if (known >= text.size()) {  // only its FIN is new
      acks_owed_ = std::max<uint8_t>(acks_owed_, 1);
      return drop(Counter::tcp_duplicate);
    }
    if (known >= each) acks_owed_ = std::max<uint8_t>(acks_owed_, 1);  // a packet came twice
    text.consume(known);
    seq = rcv_.nxt;
  }
  const auto room = static_cast<uint32_t>(rcv_.edge - seq);
  const bool too_much = text.size() > room;
  if (too_much) text.truncate(room);
  if (too_much && (seq == rcv_.nxt || text.empty())) acks_owed_ = std::max<uint8_t>(acks_owed_, 1);
  if (text.empty()) return drop(Counter::tcp_out_of_window);
  const Options& o = shared_->options;
  if (seq == rcv_.nxt) {  // of a run, the pieces there is room for
    const uint32_t most = o.held_pieces - std::min(received_.slices(), o.held_pieces);
    if (text.slices() > most) {
      text.truncate(text.octets_of(most));
      acks_owed_ = std::max<uint8_t>(acks_owed_, 1);
      drop(Counter::tcp_no_buffer);
      if (text.empty()) return;
    }
  }
  // Of which packets there is something left, and all of it, if they are full ones.
  const auto end = known + static_cast<uint32_t>(text.size());
  const uint32_t pieces = (end + each - 1) / each - known / each;
  const uint32_t whole = end / each - std::min(end / each, (known + each - 1) / each);
  if (seq != rcv_.nxt) {
    shared_->count.add(Counter::tcp_out_of_order);
    take_early(seq, std::move(text));
    tune_window(now);
    // Without SACK each acknowledgement tells the peer of one packet that came; with it one tells of all of a
    // burst that came without a hole.
    const uint32_t news = sack_ok_ && holes_ != no_index ? std::max(shared_->holes[holes_].news(), 1u) : 1;
    const uint32_t owed = sack_ok_ ? std::max<uint32_t>(acks_owed_, news) : acks_owed_ + pieces;
    acks_owed_ = static_cast<uint8_t>(std::min(owed, 64u));
    return;
  }
  // Text that waits for a hole may hold three quarters of the packets at most, so it never keeps out what
  // comes next; past half of them, a connection whose service does not read leaves the rest to others.
  constexpr uint32_t few = 8;
  const size_t held = shared_->links.packets();  // this text's among them
  if (held > o.held_packets || (held > o.held_packets / 2 && received_.slices() >= few)) {
    acks_owed_ = std::max<uint8_t>(acks_owed_, 1);
    return drop(Counter::tcp_held_full);
  }
  auto octets = static_cast<uint32_t>(text.size());
  received_.append(text);
  const bool holes = holes_ != no_index;
  if (holes) {
    Reassembly& waits = shared_->holes[holes_];
    octets += waits.take(rcv_.nxt + octets, received_);
    if (waits.empty()) drop_holes();
  }
  rcv_.nxt = rcv_.nxt + octets;
  octets_received_ += octets;
  shared_->count.add(Counter::tcp_octets_in, octets);
  tune_window(now);
  events_ |= buf::stream_event::readable;
  // RFC 5681 §4.2: at once when a hole was filled, and for every second full segment; the rest may wait.
  if (each >= rcv_mss_) full_segments_ = static_cast<uint8_t>(std::min(full_segments_ + whole, 255u));
  if (holes || full_segments_ >= 2 || quick_ != 0) {
    acks_owed_ = sack_ok_ ? std::max<uint8_t>(acks_owed_, 1) : 1;
    quick_ = static_cast<uint8_t>(quick_ - std::min<uint32_t>(quick_, pieces));
  } else {
    ack_at_ = std::min(ack_at_, now + o.ack_delay);
  }
  if (state_ == State::FinWait2) rest(now);
}

// RFC 3168 §6.1.3: congestion is echoed until the peer says that it has reacted.
void Conn::check_ecn(const Segment& in) {
  if (in.has(cwr)) ece_ = false;
  if (in.ecn != ecn::ce) return;
  shared_->count.add(Counter::tcp_ecn_marks_in);
  ece_ = true;
  acks_owed_ = std::max<uint8_t>(acks_owed_, 1);
}

// When the service consumes more in a round trip than in any before, the window becomes four times that, at
// once: a peer may send three times as much in every round trip (BBR's startup), and takes a window that is
// too small for the end of the path; and a repair takes a round trip, in which it should be able to go on.
// What waits behind a hole counts as consumed, else a line with loss would keep the window where it began.
// Never beyond the ceiling, and never back.
void Conn::tune_window(Instant now) {
  const uint32_t early = holes_ == no_index ? 0 : shared_->holes[holes_].octets();
  const SeqNum consumed = rcv_.nxt - static_cast<uint32_t>(received_.size()) + early;
  const auto octets = static_cast<uint32_t>(std::max(consumed - space_.from, 0));
  const uint32_t ms = timestamp_clock(now, 0);
  if (ms - space_.since_ms >= std::max<int64_t>(rtt_.srtt().ms(), 1)) {
    space_.from = consumed;
    space_.since_ms = ms;
  }
  if (octets <= space_.octets) return;
  space_.octets = octets;
  const uint64_t wanted = uint64_t{octets} * 4 + 16 * rcv_mss_;
  if (wanted <= buffer_) return;
  buffer_ = static_cast<uint32_t>(std::min<uint64_t>(wanted, shared_->options.receive_buffer));
  shared_->count.add(Counter::tcp_windows_grown);
}

// Text that came before its turn.
void Conn::take_early(SeqNum seq, buf::ByteQueue&& text) {
  const Options& o = shared_->options;
  uint32_t held = this->held();
  if (held >= o.held_pieces) return drop(Counter::tcp_no_buffer);
  // What fills a hole lets go of what waits behind it, so it may take half of what is left.
  const bool repairs = holes_ != no_index && seq.before(shared_->holes[holes_].end());
  const uint32_t most_held = repairs ? o.held_packets - o.held_packets / 4 : o.held_packets / 2;
  if (shared_->links.packets() > most_held) return drop(Counter::tcp_held_full);
  if (holes_ == no_index) holes_ = shared_->holes.take(shared_->links);
  if (holes_ == no_index) return drop(Counter::tcp_no_buffer);
  Reassembly& waits = shared_->holes[holes_];
  while (!text.empty() && held < o.held_pieces) {
    buf::Slice piece = text.pop();
    const SeqNum end = seq + piece.size();
    const auto taken = waits.add(seq, std::move(piece));
    if (taken == Reassembly::Taken::Yes) ++held;
    if (taken == Reassembly::Taken::NoRoom) drop(Counter::tcp_no_buffer);
    if (taken == Reassembly::Taken::Duplicate) {
      tell_twice(seq, end);
      drop(Counter::tcp_duplicate);
    }
    seq = end;
  }
  if (!text.empty()) drop(Counter::tcp_no_buffer);
  if (waits.empty()) drop_holes();
}

// RFC 2883 §4: the next acknowledgement names what came twice.
void Conn::tell_twice(SeqNum first, SeqNum end) {
  if (!sack_ok_) return;
  if (end.after(rcv_.nxt) && first.before(rcv_.nxt)) end = rcv_.nxt;
  twice_ = {first, end};
}

// Received pieces of text, in order or not.
uint32_t Conn::held() const {
  return received_.slices() + (holes_ == no_index ? 0 : shared_->holes[holes_].slices());
}

void Conn::drop_holes() {
  if (holes_ != no_index) shared_->holes.give(std::exchange(holes_, no_index));
}

// The FIN may come before the text in front of it.
void Conn::check_fin(const Segment& in, Instant now) {
  if (in.has(fin) && !fin_seen_ && state_ != State::SynReceived) {
    const SeqNum at = in.seq + in.text;
    if (!at.before(rcv_.nxt) && !at.after(rcv_.edge)) {
      fin_seen_ = true;
      fin_at_ = at;
    }
  }
  if (!fin_seen_ || rcv_.nxt != fin_at_) return;
  if (!answers_text()) return;  // it was counted already
  rcv_.nxt = rcv_.nxt + 1;
  rcv_.edge = later(rcv_.edge, rcv_.nxt);
  acks_owed_ = 1;
  drop_holes();
  events_ |= buf::stream_event::peer_closed;
  if (state_ == State::Established) return enter(State::CloseWait, now);
  enter(state_ == State::FinWait1 ? State::Closing : State::TimeWait, now);
}

}  // namespace sluice::tcp
