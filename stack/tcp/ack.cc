// SPDX-License-Identifier: Apache-2.0
// An acknowledgement is taken: RFC 9293 §3.10.7.4 fifth, RFC 2018 §5, RFC 2883, RFC 6298 §3, RFC 8985 §6.2,
// in the order in which each needs what the one before it found.
#include "base/static_vec.h"
#include "buf/stream.h"
#include "tcp/conn.h"
#include "tcp/isn.h"
#include "tcp/rate.h"
#include "tcp/told.h"

namespace sluice::tcp {

namespace {
uint32_t clock_us(Instant t) { return static_cast<uint32_t>(t.ns / 1'000); }
}  // namespace

RateSample Conn::sample_of(const Flight& f, const Sent& s, Instant now) {
  return {.delivered = f.delivered - s.delivered,
          .sent_us = clock_us(s.sent),
          .first_sent_us = s.first_sent_us,
          .now_us = clock_us(now),
          .delivered_us = s.delivered_us};
}

// Of the oldest that arrived; 0: some of it was sent twice, so nobody knows.
Duration Conn::round_trip(const Told& told, Instant now) {
  return told.again || told.sent == Instant{} ? Duration{} : now - told.sent;
}

void Conn::take_ack(const Segment& in, Instant now) {
  if (flight_ == no_index) return;  // nothing was sent that could be acknowledged
  Flight& f = shared_->flights[flight_];
  Told told{.was_una = snd_.una, .lost_before = f.board.lost()};
  told.duplicate = duplicate(in);
  told.expected = flight() / (2 * mss_) + 1;
  if (told.duplicate) shared_->count.add(Counter::tcp_duplicate_acks);
  if (in.ack.after(snd_.una)) take_cumulative(f, in, told, now);
  if (sack_ok_ && !in.options.sacks.empty()) take_sacks(f, in, told, now);  // late ones tell too
  measure(told, in, now);
  if (told.rated) sample_rate(f, told, now);
  f.rack.advance(snd_.una);
  check_undo(f, in, told);
  check_frto(f, told);
  check_tlp(f, in, told);
  if (ecn_ok_) check_ece(f, in);
  if (sack_ok_)
    detect_loss(f, told, now);
  else
    detect_loss_without_sack(f, told);
  move_window(f, told, now);
  if (flight() == 0) {
    if (told.advanced()) rest(now);  // RFC 6298 (5.2)
    if (unsent() == 0) pacer_.rested(mss_ * shared_->options.initial_window);
    if (f.over()) drop_flight();
  } else if (told.advanced() || told.sacked) {
    if (told.advanced()) f.rto_at = now + rtt_.rto(shared_->options);  // (5.3)
    // A peer that forgot what it selectively acknowledged will not acknowledge it again: RFC 2018 §8.
    if (f.board.head_is(shared_->sent, Sent::sacked))
      f.rto_at = std::min(f.rto_at, now + std::max(rtt_.srtt() / 2, 10_ms));
    arm_retransmit(f, now, true);
  }
}

// RFC 5681 §2: same number, no text, same window, something outstanding. Answers to window probes say nothing
// of loss.
bool Conn::duplicate(const Segment& in) const {
  return in.ack == snd_.una && flight() != 0 && in.length() == 0 && (in.window << snd_shift_) == snd_.wnd &&
         !std::holds_alternative<Persist>(timer_);
}

// New octets are acknowledged: they leave the queue.
void Conn::take_cumulative(Flight& f, const Segment& in, Told& told, Instant now) {
  const auto acked = static_cast<uint32_t>(in.ack - snd_.una);
  const auto text = std::min(acked, static_cast<uint32_t>(sending_.size()));
  const size_t room = send_room();
  sending_.consume(text);
  if (text < acked) fin_acked_ = true;  // the one number past the text is our FIN's
  f.board.acknowledge(shared_->sent, in.ack, [&](const Sent& s, SeqNum end, uint32_t n) {
    if (!s.is(Sent::sacked)) arrived(f, s, end, n, told, in, now);
  });
  snd_.una = in.ack;
  told.cumulative = acked;
  most_arrived_ = static_cast<uint16_t>(std::max<uint32_t>(most_arrived_, std::min(text, mss_)));
  if (f.smaller_mss != 0 && snd_.una.after(f.too_big)) f.smaller_mss = 0;
  octets_acked_ += text;
  resend_ = false;
  if (auto* t = std::get_if<Retransmit>(&timer_)) {
    t->tries = 0;
    t->since = now;
  }
  if (send_room() > room) events_ |= buf::stream_event::writable;
}

// RFC 2883 §4: the first block names what came twice when it lies below the acknowledgement or inside the
// second; the others, RFC 2018 §5, what arrived beyond a hole.
void Conn::take_sacks(Flight& f, const Segment& in, Told& told, Instant now) {
  const wire::SackBlocks& blocks = in.options.sacks;
  StaticVec<wire::SackBlock, wire::SackBlocks::most> beyond;  // in order: theirs says nothing of time
  for (uint8_t i = 0; i < blocks.size(); ++i) {
    const wire::SackBlock b = blocks[i];
    const bool inside = blocks.size() > 1 && !b.first.before(blocks[1].first) && !b.end.after(blocks[1].end);
    const bool twice = i == 0 && (!b.end.after(in.ack) || inside);
    // What was not sent, or long ago, is not what this peer saw: RFC 2018 §8, RFC 5961 §5.
    const SeqNum least = in.ack - (twice ? std::max(snd_.max_wnd, 65'536u) : 0);
    if (!b.first.before(b.end) || b.end.after(snd_.nxt) || b.first.before(least)) {
      shared_->count.add(Counter::tcp_bad_sacks);
    } else if (twice) {
      told.duplicated = static_cast<uint32_t>(b.end - b.first);
      told.probe_duplicated = f.tlp_out && b.end == f.tlp_end;
      shared_->count.add(Counter::tcp_dsacks_in);
      f.rack.duplicate_told(reordering_, snd_.nxt);
    } else {
      beyond.push(b);
      for (size_t k = beyond.size() - 1; k > 0 && beyond[k].first.before(beyond[k - 1].first); --k)
        std::swap(beyond[k], beyond[k - 1]);
    }
  }
  for (const wire::SackBlock b : beyond)
    f.board.sack(shared_->sent, b.first, b.end, [&](const Sent& s, SeqNum end, uint32_t n) {
      arrived(f, s, end, n, told, in, now);
      told.sacked = true;
    });
}

// A stretch of octets, so far not known to have arrived, has.
void Conn::arrived(Flight& f, const Sent& s, SeqNum end, uint32_t octets, Told& told, const Segment& in,
                   Instant now) {
  told.delivered += octets;
  f.delivered += octets;
  f.delivered_us = clock_us(now);
  if (!told.rated || s.sent >= told.newest.sent) {
    told.rated = true;
    told.newest = s;
  }
  if (s.is(Sent::again)) {
    told.again = true;
  } else {
    if (told.sent == Instant{}) told.sent = s.sent;
    if (!end.after(f.recover)) told.original = true;
  }
  if (!sack_ok_) return;
  const bool older = s.is(Sent::again) && echoes_before(in, timestamp_clock(s.sent, ts_offset_));
  f.rack.delivered(s, end, now, rtt_.least(), older);
  f.rack.detect_reordering(s, end, reordering_);
}

bool Conn::echoes_before(const Segment& in, uint32_t ts) const {
  return ts_on_ && in.options.timestamps && in.options.timestamps->ecr != 0 &&
         static_cast<int32_t>(in.options.timestamps->ecr - ts) < 0;
}

// RFC 6298 §3 and RFC 7323 §4: what was sent once is measured; what was sent again (Karn) only by the echoed
// timestamp, which tells which of the two it was.
void Conn::measure(const Told& told, const Segment& in, Instant now) {
  if (told.delivered == 0) return;
  if (!told.again && told.sent != Instant{}) return rtt_.sample(now - told.sent, now, told.expected);
  if (!told.advanced() || !ts_on_ || !in.options.timestamps || in.options.timestamps->ecr == 0) return;
  const auto ms = static_cast<int32_t>(timestamp_clock(now, ts_offset_) - in.options.timestamps->ecr);
  if (ms >= 0 && Duration::from_ms(ms) <= shared_->options.rto_max)
    rtt_.sample(Duration::from_ms(ms), now, told.expected);
}

void Conn::sample_rate(Flight& f, const Told& told, Instant now) {
  const Sent& s = told.newest;
  if (f.dry && static_cast<int32_t>(f.delivered - f.dry_until) > 0) f.dry = false;
  const uint64_t rate = sample_of(f, s, now).octets_per_second();
  // What was measured while the service had too little to send is no more than a floor.
  if (!s.is(Sent::dry) || rate >= rate_) {
    rate_ = rate;
    rate_limited_ = s.is(Sent::dry);
  }
  f.first_sent_us = clock_us(s.sent);
}

// The peer took the octet, or the FIN, that a window probe carried.
void Conn::take_probe(Instant now) {
  probed_ = false;
  Flight* f = take_flight(now);
  if (f == nullptr) return;
  Sent s = sent_now(*f, now);
  s.flags = Sent::again;  // nobody knows which probe it was
  if (f->board.sent(shared_->sent, snd_.nxt + 1, s)) snd_.nxt = snd_.nxt + 1;
}

}  // namespace sluice::tcp
