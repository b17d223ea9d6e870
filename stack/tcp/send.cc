// SPDX-License-Identifier: Apache-2.0
// What may be sent now: the peer's window, congestion, silly windows (RFC 9293 §3.8.6.2.1), Nagle (§3.7.4),
// probes (§3.8.6.1, §3.8.4), acknowledgements.
#include "tcp/conn.h"
#include "tcp/isn.h"

namespace sluice::tcp {

using namespace wire::tcp_flag;

bool Conn::next_segment(Instant now, Segment& out) {
  if (state_ == State::Closed) return false;
  if (state_ == State::SynSent || state_ == State::SynReceived) {
    if (next_syn(now, out)) return true;
    if (state_ == State::SynSent) return false;
  } else if (state_ != State::TimeWait) {
    // Beside text there may be no room for what SACK has to tell.
    if (acks_owed_ != 0 && has_news()) {
      const auto more = static_cast<uint8_t>(acks_owed_ - 1);
      emit(out, snd_.nxt, 0, ack, now);
      acks_owed_ = more;
      return true;
    }
    if (next_text(now, out) || next_probe(now, out)) return true;
  }
  if (acks_owed_ == 0) return false;
  const auto more = static_cast<uint8_t>(acks_owed_ - 1);
  emit(out, snd_.nxt, 0, ack, now);
  acks_owed_ = more;
  return true;
}

// Octets of text and FIN that wait beyond nxt.
uint32_t Conn::unsent() const {
  const int32_t text = end_of_text() - snd_.nxt;
  return text > 0 ? static_cast<uint32_t>(text) : 0;
}

// How much of `unsent` to send into `usable` octets of window: sender's silly window avoidance and Nagle.
uint32_t Conn::sendable(uint32_t unsent, uint32_t usable) const {
  uint32_t n = std::min({unsent, usable, max_text_});
  const bool last = n == unsent;
  const bool hurry = fin_wanted_ || !shared_->options.nagle;
  if (n > mss_ && !(last && hurry)) n -= n % mss_;
  if (n >= mss_ || n == 0) return n;
  const bool nothing_out = snd_.nxt == snd_.una;
  if (last && (hurry || nothing_out)) return n;
  if (nothing_out && n >= snd_.max_wnd / 2) return n;
  return 0;
}

bool Conn::next_text(Instant now, Segment& out) {
  if (fin_acked_) return false;
  if (flight_ != no_index) {
    Flight& f = shared_->flights[flight_];
    if (!f.board.empty() && (next_again(f, now, out) || next_loss_probe(f, now, out))) return true;
  }
  const uint32_t waiting = unsent();
  const bool fin_waits = fin_wanted_ && !fin_sent();
  if (waiting == 0 && !fin_waits) return false;
  const uint32_t in_flight = flight();
  if (in_flight == 0) wake_up(now);
  const uint32_t peer = snd_.wnd > in_flight ? snd_.wnd - in_flight : 0;
  const uint32_t in_network = pipe(), cwnd = congestion_.window();
  const uint32_t network = cwnd > in_network ? cwnd - in_network : 0;
  uint32_t n = sendable(waiting, std::min(peer, network));
  if (network < peer && network < waiting) {
    limited_ = true;
    limited_to_ = snd_.nxt;
  }
  if (n != 0 && paces()) {
    if (!pacer_.open(now)) {
      paced_ = true;
      shared_->count.add(Counter::tcp_paced);
      return false;
    }
    n = std::min(n, in_a_tick());
  }
  const bool fins = fin_waits && n == waiting && peer > n;
  if (n == 0 && !fins) {
    watch_window(now);
    return false;
  }
  return send_new(out, n, fins, now);
}

// Nothing was in flight. What the window was before a pause says little of the path now: RFC 5681 §4.1.
void Conn::wake_up(Instant now) {
  const Options& o = shared_->options;
  const Duration idle = now - sent_at_, rto = rtt_.rto(o);
  if (idle > rto) {
    shared_->count.add(Counter::tcp_idle_restarts);
    congestion_.on_idle(idle, rto, o.initial_window);
    sent_at_ = now;
  }
}

// What may leave at once without being a burst: whole segments, two at least.
uint32_t Conn::in_a_tick() const {
  const uint64_t a_tick = congestion_.pace(rtt_.srtt()).per_second() / 1'000;
  return static_cast<uint32_t>(std::max<uint64_t>(a_tick / mss_, 2)) * mss_;
}

// Text, or the FIN, that was never sent. False: no record is left for it, so it waits.
bool Conn::send_new(Segment& out, uint32_t text, bool fins, Instant now) {
  Flight* f = take_flight(now);
  const uint32_t octets = text + (fins ? 1 : 0);
  const bool first = f != nullptr && f->board.empty();
  if (f == nullptr || !f->board.sent(shared_->sent, snd_.nxt + octets, sent_now(*f, now))) {
    shared_->count.add(Counter::tcp_no_record);
    pacer_.wait(now);
    paced_ = true;
    return false;
  }
  paced_ = probed_ = false;
  emit_range(out, snd_.nxt, octets, now);
  snd_.nxt = snd_.nxt + octets;
  if (text != 0 && unsent() == 0) out.flags |= psh;
  if (ecn_ok_ && text != 0) {  // RFC 3168 §6.1.2, §6.1.5: new text only
    out.ecn = ecn::ect0;
    if (cwr_) out.flags |= cwr;
    cwr_ = false;
  }
  if (f->phase == Flight::Phase::Recovery || f->phase == Flight::Phase::Reduction) f->prr.sent(octets);
  if (first) f->rto_at = now + rtt_.rto(shared_->options);  // RFC 6298 (5.1)
  if (std::holds_alternative<Persist>(timer_)) timer_ = Idle{};
  if (unsent() == 0 && f->board.lost() == 0) {
    const uint32_t in_network = pipe();
    if (in_network < congestion_.window()) {
      f->dry = true;
      f->dry_until = f->delivered + in_network;
    }
  }
  arm_retransmit(*f, now, true);
  return true;
}

// Something waits and nothing is in flight, so no acknowledgement will tell when the window opens.
void Conn::watch_window(Instant now) {
  if (flight() != 0 || probe_) return;
  if (std::holds_alternative<Persist>(timer_)) return;
  const Duration wait = rtt_.rto(shared_->options);
  timer_ = Persist{now + wait, now, wait};
}

// A window probe carries the next octet, or the FIN, into a window that may be closed; a keepalive carries
// nothing, one number below.
bool Conn::next_probe(Instant now, Segment& out) {
  if (!probe_) return false;
  probe_ = false;
  if (std::holds_alternative<KeepAlive>(timer_)) {
    shared_->count.add(Counter::tcp_keepalives);
    emit(out, snd_.una - 1, 0, ack, now);
    return true;
  }
  if (flight() != 0) {  // the window shut on it
    shared_->count.add(Counter::tcp_window_probes);
    emit_range(out, snd_.una, 1, now);
    return true;
  }
  const uint32_t waiting = unsent();
  if (waiting == 0 && !(fin_wanted_ && !fin_sent())) return false;
  shared_->count.add(Counter::tcp_window_probes);
  if (snd_.wnd != 0)  // a small window, used after all
    return send_new(out, std::min({waiting, snd_.wnd, mss_}), waiting == 0, now);
  probed_ = true;
  emit_range(out, snd_.nxt, 1, now);
  return true;
}

// [seq, seq + octets): text, and our FIN when it reaches that far.
void Conn::emit_range(Segment& out, SeqNum seq, uint32_t octets, Instant now) {
  const int32_t left = end_of_text() - seq;
  const uint32_t text = std::min(octets, left > 0 ? static_cast<uint32_t>(left) : 0);
  emit(out, seq, text, static_cast<uint8_t>(ack | (octets > text ? fin : 0)), now);
  if (may_pace()) pacer_.sent(octets, paces() ? congestion_.pace(rtt_.srtt()) : Pace{octets, {}}, now);
}

// Fills `out` and books that it acknowledges. `flags` has ACK.
void Conn::emit(Segment& out, SeqNum seq, uint32_t text, uint8_t flags, Instant now) {
  out = {.seq = seq, .ack = rcv_.nxt, .flags = flags, .text = text};
  out.text_at = text != 0 ? static_cast<uint32_t>(seq - snd_.una) : 0;
  out.mss = static_cast<uint16_t>(mss_);
  if (ts_on_) out.options.timestamps = {timestamp_clock(now, ts_offset_), ts_recent_};
  if (ece_) out.flags |= ece;
  if (has_news()) tell_sacks(out);
  advertise(out);
  rcv_.acked = rcv_.nxt;
  ack_at_ = Instant::never();
  acks_owed_ = 0;
  full_segments_ = 0;
  if (out.length() == 0) return;
  probe_ = false;
  sent_at_ = now;
  shared_->count.add(Counter::tcp_octets_out, text);
}

// RFC 2018 §4, RFC 2883 §4: what came twice first, then what came last.
void Conn::tell_sacks(Segment& out) {
  const uint8_t most = wire::TcpOptions::sacks_beside(ts_on_);
  if (out.text != 0) return;
  wire::SackBlocks& blocks = out.options.sacks;
  if (twice_.first != twice_.end) {
    blocks.push(twice_);
    twice_ = {};
    shared_->count.add(Counter::tcp_dsacks_out);
  }
  if (holes_ != no_index) shared_->holes[holes_].tell(blocks, most, acks_owed_ > 1 ? acks_owed_ - 1u : 0);
}

// Octets by which the window could open now.
uint32_t Conn::could_open() const {
  const uint32_t buffer = std::min(buffer_, RawWindow{0xffff} << rcv_shift_);
  const auto held = static_cast<uint32_t>(received_.size());
  const int32_t grows = (rcv_.nxt + (buffer > held ? buffer - held : 0)) - rcv_.edge;
  return grows > 0 ? static_cast<uint32_t>(grows) : 0;
}

// The window, opened only by steps worth a segment: RFC 9293 §3.8.6.2.2. What was once offered stays offered.
void Conn::advertise(Segment& out) {
  const uint32_t grows = could_open();
  if (grows != 0 && grows >= std::min(buffer_ / 2, rcv_mss_)) rcv_.edge = rcv_.edge + grows;
  out.window = raw_window(rcv_wnd(), rcv_shift_);
  rcv_.edge = rcv_.nxt + (out.window << rcv_shift_);
}

size_t Conn::send_room() const {
  if (fin_wanted_ || state_ == State::Closed || state_ == State::TimeWait) return 0;
  // Two windows: what is in flight, and what leaves as that is acknowledged.
  const Options& o = shared_->options;
  const uint64_t two_windows = uint64_t{congestion_.window()} * 2;
  const auto most = static_cast<uint32_t>(
      std::max<uint64_t>(o.send_buffer, std::min<uint64_t>(two_windows, o.send_buffer_most)));
  return sending_.size() < most ? most - sending_.size() : 0;
}

// The service read: tell the peer when that opens the window by two segments or half the buffer.
void Conn::consumed() {
  if (!answers_text()) return;
  const uint32_t grows = could_open();
  if (grows != 0 && grows >= std::min(buffer_ / 2, 2 * rcv_mss_))
    acks_owed_ = std::max<uint8_t>(acks_owed_, 1);
}

}  // namespace sluice::tcp
