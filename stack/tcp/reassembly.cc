// SPDX-License-Identifier: Apache-2.0
#include "tcp/reassembly.h"

namespace sluice::tcp {

uint32_t Reassembly::slices() const {
  uint32_t n = 0;
  for (const Range& r : ranges_) n += r.text.slices();
  return n;
}

Reassembly::Taken Reassembly::add(SeqNum seq, buf::Slice&& text) {
  size_t next = 0;  // the first range that begins after seq
  while (next < ranges_.size() && !ranges_[next].first.after(seq)) ++next;
  if (next > 0 && seq.before(ranges_[next - 1].end())) {
    const auto known = static_cast<uint32_t>(ranges_[next - 1].end() - seq);
    if (known >= text.size()) {
      ranges_[next - 1].touched = ++clock_;
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
  if (next == 0 || ranges_[next - 1].end() != seq) {
    Range fresh{*links_};
    if (ranges_.full() || !fresh.text.push(std::move(text))) return Taken::NoRoom;
    fresh.first = seq;
    ranges_.push(std::move(fresh));
    for (size_t i = ranges_.size() - 1; i > next; --i) std::swap(ranges_[i], ranges_[i - 1]);
    ++next;
  } else if (!ranges_[next - 1].text.push(std::move(text))) {
    return Taken::NoRoom;
  }
  ranges_[next - 1].touched = ++clock_;
  if (next < ranges_.size() && ranges_[next - 1].end() == ranges_[next].first) {
    ranges_[next - 1].text.append(ranges_[next].text);
    remove(next);
  }
  return Taken::Yes;
}

uint32_t Reassembly::take(SeqNum nxt, buf::ByteQueue& to) {
  uint32_t taken = 0;
  while (!ranges_.empty() && !ranges_[0].first.after(nxt + taken)) {
    Range& r = ranges_[0];
    const auto known = static_cast<uint32_t>((nxt + taken) - r.first);
    if (known < r.text.size()) {
      r.text.consume(known);
      taken += static_cast<uint32_t>(r.text.size());
      to.append(r.text);
    }
    remove(0);
  }
  return taken;
}

void Reassembly::remove(size_t i) {
  for (; i + 1 < ranges_.size(); ++i) std::swap(ranges_[i], ranges_[i + 1]);
  ranges_.pop();
}

void Reassembly::tell(wire::SackBlocks& to, uint8_t until) const {
  uint32_t later = clock_ + 1;  // than what comes next
  while (to.size() < until) {
    const Range* latest = nullptr;
    for (const Range& r : ranges_)
      if (r.touched < later && (latest == nullptr || r.touched > latest->touched)) latest = &r;
    if (latest == nullptr) return;
    to.push({latest->first, latest->end()});
    later = latest->touched;
  }
}

}  // namespace sluice::tcp
