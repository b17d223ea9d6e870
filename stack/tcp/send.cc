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
    if (next_text(now, out) || next_probe(now, out)) return true;
  }
  if (acks_owed_ == 0) return false;
  const auto more = static_cast<uint8_t>(acks_owed_ - 1);
  emit(out, snd_.max, 0, ack, now);
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
  if (n >= mss_ || n == 0 || snd_.nxt.before(snd_.max)) return n;  // what was sent before, goes again
  const bool nothing_out = snd_.nxt == snd_.una;
  if (last && (hurry || nothing_out)) return n;
  if (nothing_out && n >= snd_.max_wnd / 2) return n;
  return 0;
}

bool Conn::next_text(Instant now, Segment& out) {
  if (fin_acked_) return false;
  if (resend_) {  // one segment, whatever the windows say: it has left the network
    resend_ = false;
    const auto n = std::min({static_cast<uint32_t>(sending_.size()), mss_, flight()});
    const bool fins = fin_wanted_ && n == sending_.size() && flight() > n;
    if (n != 0 || fins) {
      emit(out, snd_.una, n, static_cast<uint8_t>(ack | (fins ? fin : 0)), now);
      return true;
    }
  }
  const uint32_t waiting = unsent();
  const bool fin_waits = fin_wanted_ && !fin_sent();
  if (waiting == 0 && !fin_waits) return false;
  const Options& o = shared_->options;
  if (flight() == 0 && now - sent_at_ > rtt_.rto(o)) reno_.on_idle();
  const auto in_flight = static_cast<uint32_t>(snd_.nxt - snd_.una);
  const uint32_t peer = snd_.wnd > in_flight ? snd_.wnd - in_flight : 0;
  const uint32_t cwnd = reno_.window() + reno_.extra();
  const uint32_t network = cwnd > in_flight ? cwnd - in_flight : 0;
  const uint32_t n = sendable(waiting, std::min(peer, network));
  if (network < peer && network < waiting) limited_ = true;
  const bool fins = fin_waits && n == waiting && peer > n;
  if (n == 0 && !fins) {
    watch_window(now);
    return false;
  }
  const auto flags = static_cast<uint8_t>(ack | (n != 0 && n == waiting ? psh : 0) | (fins ? fin : 0));
  emit(out, snd_.nxt, n, flags, now);
  snd_.nxt = snd_.nxt + out.length();
  return true;
}

// Something waits and nothing is in flight, so no acknowledgement will tell when the window opens.
void Conn::watch_window(Instant now) {
  if (snd_.nxt != snd_.una || probe_) return;
  if (std::holds_alternative<Persist>(timer_) || std::holds_alternative<Retransmit>(timer_)) return;
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
  const uint32_t waiting = unsent();
  if (waiting == 0 && !(fin_wanted_ && !fin_sent())) return false;
  shared_->count.add(Counter::tcp_window_probes);
  const uint32_t n = std::min({waiting, std::max<uint32_t>(snd_.wnd, 1), mss_});
  const bool fins = waiting == 0;
  const bool allowed = snd_.wnd != 0;  // a small window, used after all; no probe, but text in flight
  if (allowed) timer_ = Idle{};
  emit(out, snd_.nxt, n, static_cast<uint8_t>(ack | (fins ? fin : 0)), now);
  if (allowed) snd_.nxt = snd_.nxt + out.length();
  return true;
}

// Fills `out` and books it: acknowledges, times, arms. `flags` has ACK.
void Conn::emit(Segment& out, SeqNum seq, uint32_t text, uint8_t flags, Instant now) {
  out = {.seq = seq, .ack = rcv_.nxt, .flags = flags, .text = text};
  out.text_at = text != 0 ? static_cast<uint32_t>(seq - snd_.una) : 0;
  out.mss = static_cast<uint16_t>(mss_);
  if (ts_on_) out.options.timestamps = {timestamp_clock(now, ts_offset_), ts_recent_};
  advertise(out);
  rcv_.acked = rcv_.nxt;
  ack_at_ = Instant::never();
  acks_owed_ = 0;
  full_segments_ = 0;
  const uint32_t len = out.length();
  if (len == 0) return;
  probe_ = false;
  const SeqNum end = seq + len;
  if (seq.before(snd_.max)) {
    timed_ = false;  // Karn
    shared_->count.add(Counter::tcp_retransmits);
  } else if (!timed_) {
    timed_ = true;
    timed_end_ = end;
    timed_at_ = now;
  }
  snd_.max = later(snd_.max, end);
  sent_at_ = now;
  shared_->count.add(Counter::tcp_octets_out, text);
  if (!std::holds_alternative<Retransmit>(timer_) && !std::holds_alternative<Persist>(timer_))
    timer_ = Retransmit{now + rtt_.rto(shared_->options), now};
}

// The window, opened only by steps worth a segment: RFC 9293 §3.8.6.2.2. What was once offered stays offered.
void Conn::advertise(Segment& out) {
  const Options& o = shared_->options;
  const uint32_t buffer = std::min(o.receive_buffer, RawWindow{0xffff} << rcv_shift_);
  const auto held = static_cast<uint32_t>(received_.size());
  const SeqNum could = rcv_.nxt + (buffer > held ? buffer - held : 0);
  const int32_t grows = could - rcv_.edge;
  if (grows > 0 && static_cast<uint32_t>(grows) >= std::min(buffer / 2, rcv_mss_)) rcv_.edge = could;
  out.window = raw_window(rcv_wnd(), rcv_shift_);
  rcv_.edge = rcv_.nxt + (out.window << rcv_shift_);
}

size_t Conn::send_room() const {
  if (fin_wanted_ || state_ == State::Closed || state_ == State::TimeWait) return 0;
  const uint32_t most = shared_->options.send_buffer;
  return sending_.size() < most ? most - sending_.size() : 0;
}

// The service read: tell the peer when that opens the window by two segments or half the buffer.
void Conn::consumed() {
  if (!answers_text()) return;
  const Options& o = shared_->options;
  const uint32_t buffer = std::min(o.receive_buffer, RawWindow{0xffff} << rcv_shift_);
  const auto held = static_cast<uint32_t>(received_.size());
  const int32_t grows = (rcv_.nxt + (buffer > held ? buffer - held : 0)) - rcv_.edge;
  if (grows > 0 && static_cast<uint32_t>(grows) >= std::min(buffer / 2, 2 * rcv_mss_))
    acks_owed_ = std::max<uint8_t>(acks_owed_, 1);
}

}  // namespace sluice::tcp
