// SPDX-License-Identifier: Apache-2.0
#include "tcp/reassembly.h"

namespace sluice::tcp {

uint32_t Reassembly::slices() const {
  uint32_t n = 0;
  for (size_t i = 0; i < used_; ++i) n += ranges_[i].text.slices();
  return n;
}

Reassembly::Taken Reassembly::add(SeqNum seq, buf::Slice&& text) {
  size_t next = 0;  // the first range that begins after seq
  while (next < used_ && !ranges_[next].first.after(seq)) ++next;
  if (next > 0 && seq.before(ranges_[next - 1].end())) {
    const auto known = static_cast<uint32_t>(ranges_[next - 1].end() - seq);
    if (known >= text.size()) return Taken::Duplicate;
    text.drop_front(known);
    seq = seq + known;
  }
  if (next < used_) {
    const auto room = static_cast<uint32_t>(ranges_[next].first - seq);
    if (room == 0) return Taken::Duplicate;
    if (text.size() > room) text.truncate(room);
  }
  if (next == 0 || ranges_[next - 1].end() != seq) {
    if (used_ == most) return Taken::NoRoom;
    for (size_t i = used_; i > next; --i) std::swap(ranges_[i], ranges_[i - 1]);
    ranges_[next].first = seq;
    if (!ranges_[next].text.push(std::move(text))) {
      ++used_;
      remove(next);
      return Taken::NoRoom;
    }
    ++used_;
    ++next;
  } else if (!ranges_[next - 1].text.push(std::move(text))) {
    return Taken::NoRoom;
  }
  if (next < used_ && ranges_[next - 1].end() == ranges_[next].first) {
    ranges_[next - 1].text.append(ranges_[next].text);
    remove(next);
  }
  return Taken::Yes;
}

uint32_t Reassembly::take(SeqNum nxt, buf::ByteQueue& to) {
  uint32_t taken = 0;
  while (used_ != 0 && !ranges_[0].first.after(nxt + taken)) {
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
  ranges_[i].text.clear();
  for (; i + 1 < used_; ++i) std::swap(ranges_[i], ranges_[i + 1]);
  --used_;
}

void Reassembly::clear() {
  while (used_ != 0) remove(used_ - 1u);
}

}  // namespace sluice::tcp
