// SPDX-License-Identifier: Apache-2.0
// What was sent and not yet acknowledged: RFC 6675 §3, RFC 8985 §5. Knows sequence numbers and moments; knows
// no window, no timer and no segment.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tcp/sent.h"

namespace sluice::tcp {

class Scoreboard {
 public:
  explicit Scoreboard(SeqNum una) : first_{una} {}

  bool empty() const { return head_ == no_index; }
  SeqNum first() const { return first_; }
  uint32_t sacked() const { return sacked_; }  // octets
  uint32_t lost() const { return lost_; }      // octets, not sent again yet
  // Octets deemed to be in the network: RFC 6675 §4 SetPipe.
  uint32_t pipe(uint32_t flight) const { return flight - sacked_ - lost_; }
  bool head_is(const SentPool& p, uint8_t flag) const { return !empty() && p[head_].is(flag); }

  // [end of the last, end) is sent for the first time. False: no record is left for it.
  bool sent(SentPool& p, SeqNum end, const Sent& how) {
    if (tail_ != no_index) {
      Sent& t = p[tail_];
      if (t.sent == how.sent && t.flags == how.flags) {  // one burst, one record
        t.end = end;
        return true;
      }
    }
    const uint32_t i = p.take(empty());
    if (i == no_index) return false;
    p[i] = how;
    p[i].end = end;
    p[i].next = no_index;
    (tail_ == no_index ? head_ : p[tail_].next) = i;
    tail_ = i;
    return true;
  }

  // Everything before `una` has arrived. Calls f(const Sent&, SeqNum end, uint32_t octets) for each
  // stretch.
  template <class F>
  void acknowledge(SentPool& p, SeqNum una, F&& f) {
    while (head_ != no_index && first_.before(una)) {
      Sent& s = p[head_];
      const bool whole = !s.end.after(una);
      const SeqNum end = whole ? s.end : una;
      const auto n = static_cast<uint32_t>(end - first_);
      f(s, end, n);
      if (s.is(Sent::sacked)) sacked_ -= n;
      if (s.is(Sent::lost)) lost_ -= n;
      first_ = end;
      if (whole) drop_head(p);
    }
  }

  // The peer has [from, to). Calls f(const Sent&, SeqNum end, uint32_t octets) for what it was not known to
  // have. A stretch that would have to be cut while no record is left counts as not there yet.
  template <class F>
  void sack(SentPool& p, SeqNum from, SeqNum to, F&& f) {
    SeqNum at = first_;
    uint32_t before = no_index;
    for (uint32_t i = head_; i != no_index && to.after(at);) {
      if (from.after(at) && p[i].end.after(from) && !p[i].is(Sent::sacked)) (void)cut(p, i, from);
      const bool told = !p[i].end.after(from) || at.before(from);
      if (!told && !p[i].is(Sent::sacked) && (!p[i].end.after(to) || cut(p, i, to))) {
        Sent& s = p[i];
        const auto n = static_cast<uint32_t>(s.end - at);
        f(s, s.end, n);
        if (s.is(Sent::lost)) lost_ -= n;
        s.flags = static_cast<uint8_t>((s.flags | Sent::sacked) & ~Sent::lost);
        sacked_ += n;
      }
      at = p[i].end;
      if (before != no_index && p[before].is(Sent::sacked) && p[i].is(Sent::sacked)) {
        i = join(p, before, i);  // nothing more will be asked of either
      } else {
        before = i;
        i = p[i].next;
      }
    }
  }

  // Calls f(Sent&, uint32_t octets) from the first on, until it says false.
  template <class F>
  void each(SentPool& p, F&& f) {
    SeqNum at = first_;
    for (uint32_t i = head_; i != no_index; i = p[i].next) {
      const auto n = static_cast<uint32_t>(p[i].end - at);
      at = p[i].end;
      if (!f(p[i], n)) return;
    }
  }
  // `s`, of `n` octets, is deemed lost.
  void lose(Sent& s, uint32_t n) {
    if (s.flags & (Sent::sacked | Sent::lost)) return;
    s.flags |= Sent::lost;
    lost_ += n;
  }
  // The first `n` octets, whole segments, are deemed lost.
  void lose_head(SentPool& p, uint32_t n) {
    if (empty()) return;
    if (p[head_].end.after(first_ + n)) (void)cut(p, head_, first_ + n);
    lose(p[head_], static_cast<uint32_t>(p[head_].end - first_));
  }
  // Nothing was lost after all.
  void find_again(SentPool& p) {
    each(p, [](Sent& s, uint32_t) { return s.flags &= static_cast<uint8_t>(~Sent::lost), true; });
    lost_ = 0;
  }
  // The peer forgot what it had said: RFC 2018 §8.
  void renege(SentPool& p) {
    each(p, [](Sent& s, uint32_t) { return s.flags &= static_cast<uint8_t>(~Sent::sacked), true; });
    sacked_ = 0;
  }

  struct Stretch {
    SeqNum first;
    uint32_t octets = 0;
    bool again = false;  // it had been sent again before
  };
  // The first lost stretch, at most `most` octets of it, is sent again now. None: nothing is lost, or the
  // part cannot be told from the rest because no record is left.
  Stretch send_again(SentPool& p, uint32_t most, const Sent& how) {
    if (lost_ == 0) return {};
    SeqNum at = first_;
    uint32_t before = no_index;
    for (uint32_t i = head_; i != no_index; before = i, at = p[i].end, i = p[i].next) {
      if (!p[i].is(Sent::lost)) continue;
      const bool grows = before != no_index && p[before].sent == how.sent && p[before].flags == again_;
      const auto all = static_cast<uint32_t>(p[i].end - at);
      const uint32_t n = std::min(all, most);
      const Stretch stretch{at, n, p[i].is(Sent::again)};
      if (n < all && grows) {
        p[before].end = at + n;
        lost_ -= n;
        return stretch;
      }
      if (n < all && !cut(p, i, at + n)) return {};
      retimed(p[i], how);
      lost_ -= n;
      if (grows) join(p, before, i);
      return stretch;
    }
    return {};
  }
  // The first, or the last, `most` octets at most are sent again whatever is known of them.
  Stretch head_again(SentPool& p, uint32_t most, const Sent& how) {
    if (empty()) return {};
    const auto all = static_cast<uint32_t>(p[head_].end - first_);
    const uint32_t n = std::min(all, most);
    const Stretch stretch{first_, n, p[head_].is(Sent::again)};
    if (n < all && !cut(p, head_, first_ + n)) return stretch;
    if (p[head_].is(Sent::lost)) lost_ -= n;
    if (!p[head_].is(Sent::sacked)) retimed(p[head_], how);
    return stretch;
  }
  Stretch tail_again(SentPool& p, uint32_t most, const Sent& how) {
    if (empty()) return {};
    SeqNum at = first_;
    for (uint32_t i = head_; i != tail_; i = p[i].next) at = p[i].end;
    const auto all = static_cast<uint32_t>(p[tail_].end - at);
    const uint32_t n = std::min(all, most);
    const SeqNum from = p[tail_].end - n;
    const Stretch stretch{from, n, p[tail_].is(Sent::again)};
    if (p[tail_].is(Sent::sacked) || (n < all && !cut(p, tail_, from))) return stretch;
    if (p[tail_].is(Sent::lost)) lost_ -= n;
    retimed(p[tail_], how);
    return stretch;
  }

  // Nothing is in flight; what comes next begins at `una`.
  void restart(SeqNum una) { first_ = una; }
  void clear(SentPool& p) {
    while (head_ != no_index) drop_head(p);
    sacked_ = lost_ = 0;
  }
  // For tests: the records are in order, cover [first, nxt) and add up.
  bool sound(const SentPool& p, SeqNum nxt) const {
    SeqNum at = first_;
    uint32_t sacked = 0, lost = 0, last = no_index;
    for (uint32_t i = head_; i != no_index; last = i, i = p[i].next) {
      if (!p[i].end.after(at) || (p[i].is(Sent::sacked) && p[i].is(Sent::lost))) return false;
      const auto n = static_cast<uint32_t>(p[i].end - at);
      if (p[i].is(Sent::sacked)) sacked += n;
      if (p[i].is(Sent::lost)) lost += n;
      at = p[i].end;
    }
    return at == nxt && last == tail_ && sacked == sacked_ && lost == lost_;
  }

 private:
  static constexpr uint8_t again_ = Sent::again;

  static void retimed(Sent& s, const Sent& how) {
    const Sent was = s;
    s = how;
    s.end = was.end;
    s.next = was.next;
    s.flags = again_;
  }
  // Splits record i at `at`, which lies inside it; the second part is new.
  bool cut(SentPool& p, uint32_t i, SeqNum at) {
    const uint32_t rest = p.take(false);
    if (rest == no_index) return false;
    p[rest] = p[i];
    p[i].end = at;
    p[i].next = rest;
    if (tail_ == i) tail_ = rest;
    return true;
  }
  // Record i, which follows `before`, becomes a part of it; returns what follows.
  uint32_t join(SentPool& p, uint32_t before, uint32_t i) {
    p[before].end = p[i].end;
    p[before].flags |= p[i].flags;
    p[before].next = p[i].next;
    if (tail_ == i) tail_ = before;
    p.give(i, false);
    return p[before].next;
  }
  void drop_head(SentPool& p) {
    const uint32_t i = head_;
    head_ = p[i].next;
    if (head_ == no_index) tail_ = no_index;
    p.give(i, head_ == no_index);
  }

  SeqNum first_;  // where the first record begins
  uint32_t head_ = no_index, tail_ = no_index;
  uint32_t sacked_ = 0, lost_ = 0;
};

}  // namespace sluice::tcp
