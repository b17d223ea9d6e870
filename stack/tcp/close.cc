// SPDX-License-Identifier: Apache-2.0
// Timers and ends: RFC 6298 §5, RFC 9293 §3.6, §3.8.3, §3.10.4, §3.10.5.
#include "buf/stream.h"
#include "tcp/conn.h"
#include "tcp/isn.h"

namespace sluice::tcp {

using namespace wire::tcp_flag;

const char* name_of(State s) {
  constexpr const char* names[state_count] = {"syn_sent",   "syn_received", "established", "fin_wait_1",
                                              "fin_wait_2", "closing",      "time_wait",   "close_wait",
                                              "last_ack",   "closed"};
  return names[static_cast<size_t>(s)];
}

void Conn::on_deadline(Instant now) {
  if (ack_at_ <= now) {
    ack_at_ = Instant::never();
    acks_owed_ = std::max<uint8_t>(acks_owed_, 1);
  }
  if (paced_ && pacer_.opens_at() <= now) paced_ = false;
  if (tcp::deadline(timer_) > now) return;
  const Options& o = shared_->options;
  if (std::holds_alternative<Retransmit>(timer_)) return on_loss_timer(now);
  if (auto* p = std::get_if<Persist>(&timer_)) {
    // A peer that answers may keep its window closed for ever: RFC 9293 §3.8.6.1 (MUST-37).
    if (now - std::max(heard_, p->since) >= limits().user_timeout)
      return give_up(Counter::tcp_gave_up_user_timeout);
    p->wait = std::min(p->wait * 2, o.rto_max);
    p->at = now + p->wait;
    probe_ = true;
  } else if (auto* k = std::get_if<KeepAlive>(&timer_)) {
    if (k->probes == 0 ? heard_ + limits().keepalive > now : alive_) return rest(now);
    alive_ = false;
    if (k->probes >= limits().keepalive_probes) return give_up(Counter::tcp_gave_up_keepalive);
    ++k->probes;
    k->at = now + limits().keepalive_interval;
    probe_ = true;
  } else if (std::holds_alternative<FinWait2>(timer_)) {
    give_up(Counter::tcp_gave_up_fin_wait_2);
  }
}

// Nothing is in flight: what is there to wait for?
void Conn::rest(Instant now) {
  const Options& o = shared_->options;
  if (state_ == State::FinWait2)
    timer_ = tcp::FinWait2{now + o.fin_wait_2};
  else if (limits().keepalive.ns != 0 && (state_ == State::Established || state_ == State::CloseWait))
    timer_ = KeepAlive{heard_ + limits().keepalive};
  else
    timer_ = Idle{};
}

// The only place where a connection that has begun changes its state.
void Conn::enter(State s, Instant now) {
  state_ = s;
  if (s == State::Closed || s == State::TimeWait) {
    events_ |= buf::stream_event::closed;
    timer_ = Idle{};
    ack_at_ = Instant::never();
    paced_ = resend_ = probe_ = loss_probe_ = false;
    sending_.clear();
    drop_holes();
    drop_flight();
    return;
  }
  if (flight() == 0) rest(now);
}

// RFC 9293 §3.8.3: the limit R2. What an ICMP error said of the way while the connection was being opened may
// be why nobody answers (RFC 1122 §4.2.3.9); once the peer has answered, it was not.
void Conn::give_up(Counter limit) {
  shared_->count.add(limit);
  fail(no_way_ ? buf::Failure::Unreachable : buf::Failure::NoAnswer);
}

void Conn::fail(buf::Failure why) {
  state_ = State::Closed;
  failure_ = why;
  events_ |= buf::stream_event::failed;
  timer_ = Idle{};
  ack_at_ = Instant::never();
  acks_owed_ = 0;
  paced_ = resend_ = probe_ = loss_probe_ = false;
  sending_.clear();
  drop_holes();
  drop_flight();
}

// RFC 9293 §3.10.4. What was written is sent first; the FIN follows it.
void Conn::close(Instant now) {
  if (fin_wanted_) return;
  switch (state_) {
    case State::SynSent:
      return enter(State::Closed, now);
    case State::SynReceived:
      fin_wanted_ = true;
      return;
    case State::Established:
      fin_wanted_ = true;
      return enter(State::FinWait1, now);
    case State::CloseWait:
      fin_wanted_ = true;
      return enter(State::LastAck, now);
    default:
      return;
  }
}

// RFC 9293 §3.10.5.
bool Conn::abort(Segment& rst_out, Instant now) {
  const bool tells = state_ != State::SynSent && state_ != State::Closed && state_ != State::TimeWait;
  rst_out = {.seq = snd_.nxt, .ack = rcv_.nxt, .flags = rst | ack};
  if (ts_on_) rst_out.options.timestamps = {timestamp_clock(now, ts_offset_), ts_recent_};  // RFC 7323 §3.2
  shared_->count.add(Counter::tcp_aborted);
  fail(buf::Failure::None);
  received_.clear();
  return tells;
}

}  // namespace sluice::tcp
