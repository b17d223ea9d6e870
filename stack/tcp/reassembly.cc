// SPDX-License-Identifier: Apache-2.0
#include "tcp/reassembly.h"

#include <algorithm>

namespace sluice::tcp {

// The first range that begins after `seq`. Most text comes behind all that waits, repairs before it.
size_t Reassembly::after(SeqNum seq) const {
  if (ranges_.empty() || !ranges_[ranges_.size() - 1].first.after(seq)) return ranges_.size();
  const Range* r = std::upper_bound(ranges_.begin(), ranges_.end(), seq,
                                    [](SeqNum s, const Range& x) { return x.first.after(s); });
  return static_cast<size_t>(r - ranges_.begin());
}

// The range that holds the octet at `seq`; null: none does.
const Reassembly::Range* Reassembly::holding(SeqNum seq) const {
  const size_t next = after(seq);
  return next > 0 && seq.before(ranges_[next - 1].end()) ? &ranges_[next - 1] : nullptr;
}

void Reassembly::touch(SeqNum seq) {
  const Range* range = holding(seq);
  size_t i = 0;
  while (i < recent_.size() && holding(recent_[i]) != range) ++i;
  if (i == recent_.size()) {
    if (!recent_.full()) recent_.push(seq);
    i = recent_.size() - 1;
  }
  if (i >= news_) ++news_;
  for (; i > 0; --i) recent_[i] = recent_[i - 1];
  recent_[0] = seq;
}

Reassembly::Taken Reassembly::add(SeqNum seq, buf::Slice&& text) {
  const size_t next = after(seq);
  if (next > 0 && seq.before(ranges_[next - 1].end())) {
    const auto known = static_cast<uint32_t>(ranges_[next - 1].end() - seq);
    if (known >= text.size()) {
      touch(seq);
      return Taken::Duplicate;
    }
    text.drop_front(known);
    seq = seq + known;
  }
  if (next < ranges_.size()) {
    const auto room = static_cast<uint32_t>(ranges_[next].first - seq);
    if (room == 0) return Taken::Duplicate;
    if (text.size() > room) text.truncate(room);
  }
  size_t at = next;  // where the text goes
  const auto octets = static_cast<uint32_t>(text.size());
  if (next == 0 || ranges_[next - 1].end() != seq) {
    Range fresh{*links_};
    if (ranges_.full() || !fresh.text.push(std::move(text))) return Taken::NoRoom;
    fresh.first = seq;
    ranges_.push(std::move(fresh));
    for (size_t i = ranges_.size() - 1; i > at; --i) std::swap(ranges_[i], ranges_[i - 1]);
  } else {
    at = next - 1;
    if (!ranges_[at].text.push(std::move(text))) return Taken::NoRoom;
  }
  ++slices_;
  octets_ += octets;
  if (at + 1 < ranges_.size() && ranges_[at].end() == ranges_[at + 1].first) {
    ranges_[at].text.append(ranges_[at + 1].text);
    remove(at + 1);
  }
  touch(seq);
  return Taken::Yes;
}

uint32_t Reassembly::take(SeqNum nxt, buf::ByteQueue& to) {
  uint32_t taken = 0;
  size_t n = 0;
  for (; n < ranges_.size() && !ranges_[n].first.after(nxt + taken); ++n) {
    Range& r = ranges_[n];
    slices_ -= r.text.slices();
    octets_ -= static_cast<uint32_t>(r.text.size());
    const auto known = static_cast<uint32_t>((nxt + taken) - r.first);
    if (known >= r.text.size()) continue;
    r.text.consume(known);
    taken += static_cast<uint32_t>(r.text.size());
    to.append(r.text);
  }
  if (n == 0) return 0;
  for (size_t i = n; i < ranges_.size(); ++i) std::swap(ranges_[i - n], ranges_[i]);
  for (; n > 0; --n) ranges_.pop();
  return taken;
}

void Reassembly::remove(size_t i) {
  for (; i + 1 < ranges_.size(); ++i) std::swap(ranges_[i], ranges_[i + 1]);
  ranges_.pop();
}

void Reassembly::tell(wire::SackBlocks& to, uint8_t until, uint32_t follow) {
  const Range* told[wire::SackBlocks::most];
  uint8_t n = 0;
  news_ = std::min(news_, follow);
  const auto push = [&](const Range* r) {
    if (r == nullptr || to.size() >= until || std::find(told, told + n, r) != told + n) return;
    told[n++] = r;
    to.push({r->first, r->end()});
  };
  for (size_t i = follow < recent_.size() ? follow : 0; i < recent_.size(); ++i) push(holding(recent_[i]));
  // Ranges of which none was touched lately: those furthest on.
  for (size_t i = ranges_.size(); i > 0 && to.size() < until && n < wire::SackBlocks::most; --i)
    push(&ranges_[i - 1]);
}

}  // namespace sluice::tcp
