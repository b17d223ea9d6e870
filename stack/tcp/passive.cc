// SPDX-License-Identifier: Apache-2.0
// Before and after a connection: handshakes that peers begin, as records or as cookies (RFC 9293 §3.10.7.2,
// RFC 4987), and TIME-WAIT, out of which a new handshake may come (RFC 6191).
#include "tcp/tcp.h"

namespace sluice::tcp {

using namespace wire::tcp_flag;

// A SYN for a listener. `waiting`: the TIME-WAIT record that it may take the place of.
void Tcp::on_syn(const Arrival& a, Instant now, uint32_t waiting) {
  if (slots_.full()) return count_.add(Counter::tcp_no_room);
  const Secrets s = secrets(keys_, a.tuple);
  Opening o = Opening::of(a.segment, initial_sequence(s, now), s.ts_offset, options_);
  if (halves_.size() >= options_.half_open && options_.syn_cookies) {
    cookies_.seal(a.tuple, o, now);
    count_.add(Counter::tcp_cookies_sent);
    return answer_syn(a.tuple, o, true, now);
  }
  if (halves_.full()) {
    count_.add(Counter::tcp_half_open_shed);
    forget_half_open(half_order_.front());
  }
  if (waiting != no_index) {
    // RFC 9293 §3.10.7.4: beyond everything the old connection may have sent.
    o.iss = later(o.iss, records_[waiting].snd_nxt + 0x2'0000);
    count_.add(Counter::tcp_time_wait_reused);
    forget(waiting);
  }
  count_.add(Counter::tcp_opens_passive);
  const uint32_t r = halves_.take(SynRecord{a.tuple, SynRecord::clock(now), o});
  table_.insert(a.hash, place(Kind::HalfOpen, r));
  half_order_.push_back(r);
  half_wheel_.arm(r, now + options_.rto_initial);
  gauge(State::SynReceived, 1);
  answer_syn(a.tuple, o, false, now);
}

void Tcp::answer_syn(const Tuple& t, const Opening& o, bool cookie, Instant now) {
  Segment s = o.answer(mss_of(t, path_to(t, now)), options_, now);
  if (cookie && s.options.timestamps)
    s.options.timestamps->val = SynCookies::stamp(s.options.timestamps->val, o);
  reply(t, s);
}

void Tcp::acknowledge(const Opening& o, const Tuple& t, Instant now) {
  reply(t, o.acknowledgement(options_, now));
}

// A segment for a handshake of which we have a record.
void Tcp::half_open(uint32_t r, Arrival& a, Instant now) {
  using Answer = Opening::Answer;
  const Opening o = halves_[r].opening;
  const Opening::Verdict v = o.on_segment(a.segment, options_);
  switch (v.answer) {
    case Answer::Again:
      count_.add(Counter::tcp_duplicate);
      count_.add(Counter::tcp_syn_acks_again);
      halves_[r].sent_us = 0;
      // A peer that once asked without ECN is out of it: RFC 3168 §6.1.1.
      if (!a.segment.has(ece) || !a.segment.has(cwr)) halves_[r].opening.ecn = 0;
      return answer_syn(a.tuple, halves_[r].opening, false, now);
    case Answer::Drop:
      return count_.add(v.why);
    case Answer::Acknowledge:
      count_.add(v.why);
      return acknowledge(o, a.tuple, now);
    case Answer::Challenge:
      count_.add(v.why);
      if (!shared_.challenges.take(now)) return count_.add(Counter::tcp_challenge_acks_kept);
      count_.add(Counter::tcp_challenge_acks);
      return acknowledge(o, a.tuple, now);
    case Answer::Forget:
      count_.add(Counter::tcp_resets_in);
      return forget_half_open(r);
    case Answer::Reset:
      count_.add(v.why);
      return reset(a);
    case Answer::Complete:
      break;
  }
  const Listener* l = listener(a.tuple);
  if (l == nullptr) {  // nobody listens any more
    forget_half_open(r);
    return no_connection(a, now);
  }
  const uint32_t i = complete(o, a, l->service, halves_[r].round_trip(now), now);
  if (i == no_index) return;  // the record stays: the peer or we try again
  table_.replace(a.hash, place(Kind::HalfOpen, r), place(Kind::Connection, i));
  half_wheel_.cancel(r);
  half_order_.erase(r);
  halves_.give(r);
  gauge(State::SynReceived, UINT32_MAX);
  deliver(i, a, now);
}

// Makes the connection whose handshake the segment ends; its place in the flow table is the caller's to set.
// `took`: from our answer to this segment, 0 when not known.
uint32_t Tcp::complete(const Opening& o, Arrival& a, uint16_t service, Duration took, Instant now) {
  if (slots_.full()) {
    count_.add(Counter::tcp_no_room);
    return no_index;
  }
  const Path path = path_to(a.tuple, now);
  const uint32_t i = slots_.take(a.tuple, a.hash, service, path, shared_,
                                 setup(a.tuple, path, o.iss, o.ts_offset), o.first(), now);
  slots_[i].conn.answered(took, now);
  return i;
}

// True: the segment was the answer to a cookie, and is dealt with.
bool Tcp::answers_cookie(Arrival& a, Instant now, uint32_t waiting) {
  if (!cookies_.awaits(now) || (a.segment.flags & (ack | syn | rst)) != ack) return false;
  const Listener* l = listener(a.tuple);
  if (l == nullptr) return false;
  std::optional<Opening> o = cookies_.open(a.tuple, a.segment, options_, now);
  if (!o) {
    count_.add(Counter::tcp_cookies_bad);
    // Text may have overtaken the text in front of it, which alone shows the cookie; a reset would end what
    // the peer's next try opens.
    return a.segment.length() != 0 && waiting == no_index;
  }
  o->ts_offset = secrets(keys_, a.tuple).ts_offset;
  const uint32_t i = complete(*o, a, l->service, {}, now);
  if (i == no_index) return true;  // the peer thinks it is connected, and tries again
  if (waiting != no_index) {
    count_.add(Counter::tcp_time_wait_reused);
    forget(waiting);
  }
  count_.add(Counter::tcp_opens_passive);
  count_.add(Counter::tcp_cookies_good);
  table_.insert(a.hash, place(Kind::Connection, i));
  // The echoed timestamp is not the time our answer was sent: no round trip is measured by it.
  if (a.segment.options.timestamps) a.segment.options.timestamps->ecr = 0;
  deliver(i, a, now);
  return true;
}

// Nobody ended the handshake in time: RFC 6298 §5, with `syn_ack_retries`.
void Tcp::expire_half_open(uint32_t r, Instant now) {
  Opening& o = halves_[r].opening;
  if (o.tries >= options_.syn_ack_retries) {
    count_.add(Counter::tcp_half_open_expired);
    return forget_half_open(r);
  }
  ++o.tries;
  halves_[r].sent_us = 0;
  constexpr unsigned most_doublings = 16;  // far past rto_max for any rto_initial in range
  const Duration wait = options_.rto_initial * (int64_t{1} << std::min<unsigned>(o.tries, most_doublings));
  half_wheel_.arm(r, now + std::min(wait, options_.rto_max));
  count_.add(Counter::tcp_syn_acks_again);
  answer_syn(halves_[r].tuple, o, false, now);
}

void Tcp::forget_half_open(uint32_t r) {
  table_.erase(hash_of(halves_[r].tuple), place(Kind::HalfOpen, r));
  half_wheel_.cancel(r);
  half_order_.erase(r);
  halves_.give(r);
  gauge(State::SynReceived, UINT32_MAX);
}

// A segment for a connection in TIME-WAIT.
void Tcp::time_wait(uint32_t r, Arrival& a, Instant now) {
  if (answers_cookie(a, now, r)) return;
  TimeWait& record = records_[r];
  switch (record.on_segment(a.segment)) {
    case TimeWait::Answer::Reopen:
      if (listener(a.tuple) == nullptr) break;
      return on_syn(a, now, r);
    case TimeWait::Answer::Acknowledge:
      reply(a.tuple, record.acknowledgement(secrets(keys_, a.tuple).ts_offset, now));
      if (a.segment.has(fin)) {  // the wait starts again
        record.until_ms = timestamp_clock(now + options_.time_wait, 0);
        record_order_.erase(r);
        record_order_.push_back(r);
      }
      break;
    default:
      break;
  }
  count_.add(Counter::tcp_time_wait);
}

// From here on TIME-WAIT is a small record; the connection itself waits only for its service to hear the end.
void Tcp::remember(uint32_t i, Instant now) {
  Slot& s = slots_[i];
  Segment last;
  while (s.conn.next_segment(now, last)) reply(s.tuple, last);
  if (records_.full()) {
    count_.add(Counter::tcp_time_wait_shed);
    forget(record_order_.front());
  }
  const uint32_t r = records_.take(TimeWait{.tuple = s.tuple,
                                            .hash = s.hash,
                                            .snd_nxt = s.conn.snd_nxt(),
                                            .rcv_nxt = s.conn.rcv_nxt(),
                                            .ts_recent = s.conn.ts_recent(),
                                            .until_ms = timestamp_clock(now + options_.time_wait, 0),
                                            .timestamps = s.conn.timestamps()});
  table_.replace(s.hash, place(Kind::Connection, i), place(Kind::TimeWait, r));
  s.in_table = false;
  record_order_.push_back(r);
  count_.add(Counter::tcp_time_waits);
  states_[static_cast<size_t>(State::TimeWait)].store(records_.size(), std::memory_order_relaxed);
}

void Tcp::forget(uint32_t r) {
  record_order_.erase(r);
  table_.erase(records_[r].hash, place(Kind::TimeWait, r));
  records_.give(r);
  states_[static_cast<size_t>(State::TimeWait)].store(records_.size(), std::memory_order_relaxed);
}

}  // namespace sluice::tcp
