// SPDX-License-Identifier: Apache-2.0
// From the keyed hash of a tuple to the index of what lives there. Knows no key: the caller compares.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "base/huge_vector.h"
#include "base/prefetch.h"
#include "base/slab.h"

namespace sluice {

// Open addressing with linear probing, at most three quarters full; 8 entries share a cache line, and 32 bits
// of the hash stand beside the index, so a lookup that fails compares no key but once in four billion.
class FlowTable {
 public:
  static constexpr size_t bytes_each = 22;  // of memory for each place of the capacity, at most

  explicit FlowTable(uint32_t capacity)
      : capacity_{capacity},
        mask_{std::bit_ceil(capacity < 4 ? 8u : capacity + (capacity + 2) / 3) - 1},
        entries_(mask_ + 1) {}

  uint32_t size() const { return size_; }
  void prefetch(uint64_t hash) const { sluice::prefetch(&entries_[home(hash)]); }
  // What most likely lives at `hash`, to be prefetched; no_index when nothing does.
  uint32_t guess(uint64_t hash) const { return entries_[home(hash)].index; }

  // Only the lower half of a hash is looked at, here and below, so that is all a caller need keep.
  //
  // The index for which same(index) holds, no_index when there is none.
  template <class F>
  uint32_t find(uint64_t hash, F&& same) const {
    const uint32_t tag = tag_of(hash);
    for (uint32_t at = home(hash); entries_[at].index != no_index; at = (at + 1) & mask_)
      if (entries_[at].tag == tag && same(entries_[at].index)) return entries_[at].index;
    return no_index;
  }
  // Entries that a find() for nothing that is in here would look at.
  uint32_t steps(uint64_t hash) const {
    uint32_t n = 1;
    for (uint32_t at = home(hash); entries_[at].index != no_index; at = (at + 1) & mask_) ++n;
    return n;
  }
  // `index` is not in; size() is below the capacity.
  void insert(uint64_t hash, uint32_t index) {
    check(size_ < capacity_, "the flow table has room");
    uint32_t at = home(hash);
    while (entries_[at].index != no_index) at = (at + 1) & mask_;
    entries_[at] = {tag_of(hash), index};
    ++size_;
  }
  // Puts `is` where insert(hash, was) put `was`.
  void replace(uint64_t hash, uint32_t was, uint32_t is) {
    uint32_t at = home(hash);
    while (entries_[at].index != was) {
      check(entries_[at].index != no_index, "what is replaced was inserted");
      at = (at + 1) & mask_;
    }
    entries_[at].index = is;
  }
  // Takes out what insert(hash, index) put in; closes the gap, so no tombstones pile up.
  void erase(uint64_t hash, uint32_t index) {
    uint32_t at = home(hash);
    while (entries_[at].index != index) {
      check(entries_[at].index != no_index, "what is erased was inserted");
      at = (at + 1) & mask_;
    }
    for (uint32_t next = (at + 1) & mask_; entries_[next].index != no_index; next = (next + 1) & mask_) {
      const uint32_t wants = entries_[next].tag & mask_;
      if (((next - wants) & mask_) < ((next - at) & mask_)) continue;  // it may not move before its home
      entries_[at] = entries_[next];
      at = next;
    }
    entries_[at] = {};
    --size_;
  }

 private:
  struct Entry {
    uint32_t tag = 0;
    uint32_t index = no_index;
  };
  static_assert(sizeof(Entry) * 2 * 4 / 3 < bytes_each);
  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash); }
  uint32_t home(uint64_t hash) const { return tag_of(hash) & mask_; }

  uint32_t capacity_;
  uint32_t mask_;
  uint32_t size_ = 0;
  HugeVector<Entry> entries_;
};

}  // namespace sluice
