// SPDX-License-Identifier: Apache-2.0
// What was lost, and how it is sent again: RACK-TLP (RFC 8985), SACK (RFC 6675), NewReno where the peer has
// no SACK (RFC 6582), PRR (RFC 6937), timeouts (RFC 6298 §5), and taking it all back when nothing was lost
// (F-RTO RFC 5682, Eifel RFC 3522 and 4015, D-SACK RFC 3708).
#include "tcp/conn.h"
#include "tcp/isn.h"
#include "tcp/told.h"

namespace sluice::tcp {

using namespace wire::tcp_flag;
using Phase = Flight::Phase;

// Octets deemed to be in the network. A peer without SACK tells with each duplicate that one segment left it.
uint32_t Conn::pipe() const {
  if (flight_ == no_index) return 0;
  const Flight& f = shared_->flights[flight_];
  const uint32_t p = f.board.pipe(flight());
  return p - std::min(p, f.duplicates * mss_);
}

// ---- was it lost after all?

void Conn::check_undo(Flight& f, const Segment& in, const Told& told) {
  if (!f.undo) return;
  // Eifel, RFC 3522 §3.2: the acknowledgement of what was first sent again echoes a segment that left before.
  // That of something else may echo a repair of the recovery before this one.
  if (told.advanced() && f.eifel && f.recovering() && told.was_una == f.again_first &&
      echoes_before(in, f.again_ts))
    return undo(f, Counter::tcp_undone_timestamp);
  // RFC 3708: each segment that was sent again came twice.
  if (f.phase == Phase::Open && snd_.una.after(f.recover)) f.undo = false;
  if (told.duplicated == 0 || f.undo_octets == 0) return;
  f.undo_octets -= std::min(f.undo_octets, told.duplicated);
  if (f.undo_octets == 0 && f.phase != Phase::Reduction) undo(f, Counter::tcp_undone_dsack);
}

// RFC 5682: after a timeout, does what was sent before it still arrive?
void Conn::check_frto(Flight& f, const Told& told) {
  if (f.phase != Phase::Loss || f.frto == 0) return;
  // §3.1, with SACK: anything that was not sent again is proof.
  if (sack_ok_ && told.original) return undo(f, Counter::tcp_undone_frto);
  if (f.frto == 1) {  // step 2
    const bool ahead = told.advanced() && snd_.una.before(f.recover);
    f.frto = ahead && !told.duplicate ? 2 : 0;
  } else {  // step 3
    if (!sack_ok_ && told.advanced()) return undo(f, Counter::tcp_undone_frto);
    if (told.advanced() || told.duplicate || told.sacked) f.frto = 0;
  }
}

// The window is what it was before.
void Conn::undo(Flight& f, Counter why) {
  shared_->count.add(why);
  congestion_.undo(f.before, mss_);
  f.board.find_again(shared_->sent);
  f.phase = Phase::Open;
  f.undo = f.stamped = f.eifel = false;
  f.duplicates = f.frto = 0;
  resend_ = false;
}

// RFC 8985 §7.4.
void Conn::check_tlp(Flight& f, const Segment& in, const Told& told) {
  if (!f.tlp_out || in.ack.before(f.tlp_end)) return;
  if (!f.tlp_again || told.probe_duplicated) {  // it repaired nothing
    f.tlp_out = false;
  } else if (in.ack.after(f.tlp_end)) {  // §7.4.2: the probe repaired a loss, which has to count
    f.tlp_out = false;
    if (f.phase != Phase::Open) return;
    shared_->count.add(Counter::tcp_recoveries_probe);
    begin_reduction(f, Phase::Reduction, flight());
  } else if (told.duplicate && !told.sacked) {  // the original's and the probe's
    f.tlp_out = false;
  }
}

// RFC 3168 §6.1.2: as if a segment were lost, once a window; nothing is sent again. The flight may be at its
// end, or over, when the echo comes: what is reduced is the window.
void Conn::check_ece(Flight& f, const Segment& in) {
  if (!in.has(ece) || f.phase != Phase::Open || !snd_.una.after(f.recover)) return;
  shared_->count.add(Counter::tcp_recoveries_ecn);
  congestion_.on_mark();
  begin_reduction(f, Phase::Reduction, congestion_.window());
}

// ---- was something lost?

// RFC 8985 §6.2 steps 4 and 5; an acknowledgement that moves past the recovery point ends it first.
void Conn::detect_loss(Flight& f, Told& told, Instant now) {
  // A reduction for ECN lasts until the CWR that follows it has arrived.
  const bool past =
      f.phase == Phase::Reduction ? snd_.una.after(f.recover) || flight() == 0 : !snd_.una.before(f.recover);
  if (f.recovering() && past) end_recovery(f, told);
  f.reorder_wait = {};
  if (f.board.empty()) return;
  const Duration reo_wnd = Rack::window(reordering_, f.phase >= Phase::Recovery, f.board.sacked() / mss_,
                                        rtt_.least(), rtt_.srtt());
  f.reorder_wait = f.rack.detect_loss(f.board, shared_->sent, reo_wnd, now);
  if (f.board.lost() <= told.lost_before || f.phase >= Phase::Recovery) return;
  shared_->count.add(Counter::tcp_recoveries_rack);
  begin_reduction(f, Phase::Recovery, flight());
}

// RFC 6582 §3.2; the recovery point itself must be passed, so that duplicates of the old loss find no new
// one.
void Conn::detect_loss_without_sack(Flight& f, Told& told) {
  if (f.recovering() && (snd_.una.after(f.recover) || flight() == 0)) end_recovery(f, told);
  if (told.advanced()) {
    const uint32_t segments = (told.cumulative + mss_ - 1) / mss_;
    f.duplicates = f.phase == Phase::Recovery && f.duplicates + 1u > segments
                       ? static_cast<uint8_t>(f.duplicates + 1u - segments)
                       : 0;
    if (f.phase == Phase::Recovery && snd_.una.before(f.recover)) f.board.lose_head(shared_->sent, mss_);
    return;
  }
  if (!told.duplicate || f.phase == Phase::Loss || f.duplicates == UINT8_MAX) return;
  ++f.duplicates;
  if (f.phase == Phase::Recovery || f.duplicates < Rack::duplicate_threshold) return;
  shared_->count.add(Counter::tcp_fast_retransmits);
  f.board.lose_head(shared_->sent, mss_);
  begin_reduction(f, Phase::Recovery, flight());
}

// `octets`: what the network did not bear.
void Conn::begin_reduction(Flight& f, Phase to, uint32_t octets) {
  if (f.phase == Phase::Open) {
    f.before = congestion_;
    f.undo = true;
    f.stamped = f.eifel = false;
    f.undo_octets = 0;
    congestion_.reduce(octets, pipe(), f.delivered);
    f.prr.start(flight());
    cwr_ = ecn_ok_;
  }
  f.phase = to;
  f.recover = snd_.nxt;
}

void Conn::end_recovery(Flight& f, Told& told) {
  told.ended = true;
  congestion_.recovered(f.phase == Phase::Loss);
  if (f.phase >= Phase::Recovery) Rack::recovered(reordering_);
  // What was sent again can still be told to have come twice, until something sent later is acknowledged.
  if (f.phase == Phase::Reduction || f.undo_octets == 0) f.undo = false;
  f.phase = Phase::Open;
  f.recover = snd_.nxt;
  f.duplicates = f.frto = 0;
}

// RFC 6937 §3 while the window comes down, the algorithm's own growth otherwise.
void Conn::move_window(Flight& f, const Told& told, Instant now) {
  const uint32_t delivered = told.delivered + (told.duplicate && !sack_ok_ ? mss_ : 0);
  if (congestion_.models_path()) return follow_path(f, told, delivered, now);
  if (f.phase == Phase::Reduction || f.phase == Phase::Recovery) {
    const bool safe = told.advanced() && f.board.lost() <= told.lost_before;
    if (delivered != 0)
      congestion_.set_window(f.prr.on_ack(delivered, pipe(), congestion_.threshold(), mss_, safe));
    return;
  }
  if (told.delivered == 0) return;
  const bool grows = told.advanced() && !told.ended && (limited_ || f.phase == Phase::Loss);
  if (limited_ && snd_.una.after(limited_to_)) limited_ = false;
  if (!grows) return;
  const bool first = congestion_.threshold() == UINT32_MAX;
  congestion_.on_ack({.now = now,
                      .octets = told.delivered,
                      .rtt = round_trip(told, now),
                      .srtt = rtt_.srtt(),
                      .una = snd_.una,
                      .nxt = snd_.nxt,
                      .paced = shared_->options.pacing && f.phase == Phase::Open});
  if (first && congestion_.threshold() != UINT32_MAX) shared_->count.add(Counter::tcp_slow_starts_ended);
}

void Conn::follow_path(const Flight& f, const Told& told, uint32_t delivered, Instant now) {
  const uint32_t lost = f.board.lost() - std::min(f.board.lost(), told.lost_before);
  if (delivered == 0 && lost == 0) return;
  const RateSample rate = told.rated ? sample_of(f, told.newest, now) : RateSample{};
  congestion_.on_delivery({.now = now,
                           .octets = delivered,
                           .lost = lost,
                           .pipe = pipe(),
                           .total = f.delivered,
                           .sent_delivered = told.newest.delivered,
                           .rate = rate.octets_per_second(),
                           .interval_us = rate.interval_us(),
                           .rtt = round_trip(told, now),
                           .srtt = rtt_.srtt(),
                           .rated = told.rated,
                           .rate_limited = told.newest.is(Sent::dry)});
}

// ---- timers

// One timer for three purposes: RFC 8985 §8. `may_probe`: text was sent for the first time or an
// acknowledgement came.
void Conn::arm_retransmit(Flight& f, Instant now, bool may_probe) {
  if (std::holds_alternative<Persist>(timer_)) return;
  auto* t = std::get_if<Retransmit>(&timer_);
  if (t == nullptr) {
    timer_ = Retransmit{f.rto_at, now};
    t = std::get_if<Retransmit>(&timer_);
  }
  if (f.reorder_wait.ns != 0) {
    t->why = Retransmit::Why::Reordering;
    t->at = std::min(f.rto_at, now + f.reorder_wait);
    return;
  }
  t->why = Retransmit::Why::Timeout;
  t->at = f.rto_at;
  // §7.2: at most one probe is out, and none while the scoreboard or a recovery does its work.
  if (!may_probe || !sack_ok_ || f.tlp_out || f.recovering() || f.board.sacked() != 0 || t->tries != 0)
    return;
  if (snd_.wnd == 0) return;  // that is the window probe's to find out
  Duration pto = rtt_.srtt().ns == 0 ? 1_s : std::max(rtt_.srtt() * 2, least_pto);
  if (flight() <= mss_) pto = pto + shared_->options.rto_min;  // TLP.max_ack_delay
  t->why = Retransmit::Why::LossProbe;                         // at the latest in the place of the timeout
  t->at = std::min(now + pto, f.rto_at);
}

void Conn::on_loss_timer(Instant now) {
  auto& t = *std::get_if<Retransmit>(&timer_);
  if (flight_ == no_index || t.why == Retransmit::Why::Timeout) return on_timeout(now);
  Flight& f = shared_->flights[flight_];
  const bool probe = t.why == Retransmit::Why::LossProbe;
  if (!probe && f.rto_at <= now) return on_timeout(now);
  t.why = Retransmit::Why::Timeout;
  if (probe) {  // RFC 8985 §7.3; the timeout counts from the probe
    loss_probe_ = true;
    f.rto_at = t.at = now + rtt_.rto(shared_->options);
    return;
  }
  const bool begun = f.phase >= Phase::Recovery;
  Told told{.was_una = snd_.una, .lost_before = f.board.lost()};
  detect_loss(f, told, now);
  if (!begun && f.phase == Phase::Recovery && !congestion_.models_path())
    congestion_.set_window(f.prr.on_ack(0, pipe(), congestion_.threshold(), mss_, false));
  arm_retransmit(f, now, false);
}

// RFC 6298 (5.4) to (5.7), RFC 8985 §6.3.
void Conn::on_timeout(Instant now) {
  const Options& o = shared_->options;
  auto& t = *std::get_if<Retransmit>(&timer_);
  const bool opening = state_ == State::SynSent || state_ == State::SynReceived;
  const uint32_t syns = passive_ ? o.syn_ack_retries : o.syn_retries;
  if (opening && (t.tries >= syns || connects_until(t.since) <= now))
    return give_up(Counter::tcp_gave_up_handshake);
  if (now - std::max(heard_, t.since) >= limits().user_timeout)
    return give_up(Counter::tcp_gave_up_user_timeout);
  if (!opening && t.tries >= limits().retries) return give_up(Counter::tcp_gave_up_retries);
  shared_->count.add(Counter::tcp_timeouts);
  rtt_.back_off();
  timed_ = false;
  loss_probe_ = false;
  resend_ = true;
  t.why = Retransmit::Why::Timeout;
  const Duration rto = rtt_.rto(o);
  if (flight_ != no_index) {
    Flight& f = shared_->flights[flight_];
    if (f.phase == Phase::Open) {
      f.before = congestion_;
      f.undo = true;
      f.stamped = f.eifel = false;
      f.undo_octets = 0;
    }
    congestion_.on_timeout(flight(), f.phase == Phase::Open || (f.phase == Phase::Loss && t.tries == 0));
    f.frto = f.phase == Phase::Loss ? 0 : 1;  // RFC 5682 §2.1 step 1
    f.phase = Phase::Loss;
    f.recover = snd_.nxt;
    f.duplicates = 0;
    f.tlp_out = false;
    f.reorder_wait = {};
    believe_too_big(f, now);
    if (f.board.head_is(shared_->sent, Sent::sacked)) {
      shared_->count.add(Counter::tcp_reneged);
      f.board.renege(shared_->sent);
    }
    const Duration reo_wnd = sack_ok_ ? Rack::window(reordering_, true, 0, rtt_.least(), rtt_.srtt()) : 0_s;
    f.rack.timed_out(f.board, shared_->sent, reo_wnd, mss_, now);
    f.rto_at = now + rto;
    if (snd_.wnd == 0) {  // shut on what is in flight: probed, as long as the peer answers
      timer_ = Persist{now + rto, now, rto};
      resend_ = false;
      probe_ = true;
      return;
    }
  }
  ++t.tries;
  t.at = opening ? std::min(now + rto, connects_until(t.since)) : now + rto;
}

// ---- sending again

Sent Conn::sent_now(const Flight& f, Instant now) const {
  return {.end = {},
          .next = no_index,
          .sent = now,
          .delivered = f.delivered,
          .delivered_us = f.delivered_us,
          .first_sent_us = f.first_sent_us,
          .flags = f.dry ? Sent::dry : uint8_t{0}};
}

Flight* Conn::take_flight(Instant now) {
  if (flight_ == no_index) {
    flight_ = shared_->flights.take(snd_.una);
    if (flight_ == no_index) return nullptr;
    shared_->flights[flight_].delivered =
        static_cast<uint32_t>(octets_acked_);  // one count for the connection's life
  }
  Flight& f = shared_->flights[flight_];
  if (f.board.empty()) {
    f.board.restart(snd_.una);
    f.delivered_us = f.first_sent_us = static_cast<uint32_t>(now.ns / 1'000);
    f.dry = true;
    f.dry_until = f.delivered;
  }
  return &f;
}

void Conn::drop_flight() {
  if (flight_ == no_index) return;
  shared_->flights[flight_].board.clear(shared_->sent);
  shared_->flights.give(std::exchange(flight_, no_index));
}

// What is lost goes before what is new: RFC 6675 §4 NextSeg (1).
bool Conn::next_again(Flight& f, Instant now, Segment& out) {
  if (resend_) {
    resend_ = false;
    sent_again(f, out, f.board.head_again(shared_->sent, mss_, sent_now(f, now)), now);
    return true;
  }
  if (f.board.lost() == 0 || snd_.wnd == 0) return false;
  const uint32_t in_network = pipe(), cwnd = congestion_.window();
  if (cwnd < in_network + mss_) return false;
  if (f.frto == 2 && unsent() != 0 && flight() < snd_.wnd) return false;  // RFC 5682 §2.1 step 2b: new text
  if (paces() && !pacer_.open(now)) {
    paced_ = true;
    return false;
  }
  const uint32_t room = std::max(std::min(cwnd - in_network, max_text_) / mss_ * mss_, mss_);
  const auto stretch = f.board.send_again(shared_->sent, room, sent_now(f, now));
  if (stretch.octets == 0) return false;
  sent_again(f, out, stretch, now);
  return true;
}

// RFC 8985 §7.3: new text if there is some, else the last segment again.
bool Conn::next_loss_probe(Flight& f, Instant now, Segment& out) {
  if (!loss_probe_) return false;
  loss_probe_ = false;
  if (f.board.empty() || f.tlp_out) return false;
  shared_->count.add(Counter::tcp_loss_probes);
  f.tlp_out = true;
  const uint32_t peer = snd_.wnd > flight() ? snd_.wnd - flight() : 0;
  const uint32_t n = std::min({unsent(), peer, mss_});
  f.tlp_again = n == 0;
  if (n == 0)
    sent_again(f, out, f.board.tail_again(shared_->sent, mss_, sent_now(f, now)), now);
  else if (!send_new(out, n, false, now))
    return f.tlp_out = false;
  f.tlp_end = snd_.nxt;
  return true;
}

void Conn::sent_again(Flight& f, Segment& out, const Scoreboard::Stretch& stretch, Instant now) {
  if (!f.stamped) {
    f.stamped = true;
    f.again_ts = timestamp_clock(now, ts_offset_);
    f.again_first = stretch.first;
    f.eifel = !stretch.again;
  }
  f.undo_octets += stretch.octets;
  if (f.phase == Phase::Recovery || f.phase == Phase::Reduction) f.prr.sent(stretch.octets);
  shared_->count.add(Counter::tcp_retransmits, (stretch.octets + mss_ - 1) / mss_);
  retransmits_ += (stretch.octets + mss_ - 1) / mss_;
  emit_range(out, stretch.first, stretch.octets, now);
  // RFC 6675 §6: the timeout is about the oldest segment, so it counts from when that one went again, by what
  // the estimate is now, which an acknowledgement that moved nothing may have made far shorter.
  if (stretch.first == snd_.una || f.rto_at <= now) f.rto_at = now + rtt_.rto(shared_->options);
  arm_retransmit(f, now, false);
}

}  // namespace sluice::tcp
