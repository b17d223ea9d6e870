// SPDX-License-Identifier: Apache-2.0
// A doubly linked list of indices below a fixed bound; each index is in it at most once.
#pragma once

#include <cstdint>

#include "base/lines.h"
#include "base/slab.h"

namespace sluice {

// First in, first out, with removal from anywhere; every operation is O(1). Memory is taken at construction.
class IndexList {
 public:
  static constexpr size_t bytes_each = 8;  // of memory for each index below the bound

  explicit IndexList(uint32_t capacity) : links_(capacity) {}

  bool empty() const { return head_ == no_index; }
  uint32_t size() const { return size_; }
  uint32_t front() const { return head_; }  // no_index when empty
  bool contains(uint32_t i) const { return links_[i].prev != unlinked; }

  // Nothing happens when `i` is in already.
  void push_back(uint32_t i) {
    if (contains(i)) return;
    links_[i] = {tail_, no_index};
    if (tail_ == no_index)
      head_ = i;
    else
      links_[tail_].next = i;
    tail_ = i;
    ++size_;
  }
  // Nothing happens when `i` is not in.
  void erase(uint32_t i) {
    if (!contains(i)) return;
    Link& l = links_[i];
    (l.prev == no_index ? head_ : links_[l.prev].next) = l.next;
    (l.next == no_index ? tail_ : links_[l.next].prev) = l.prev;
    l = {};
    --size_;
  }
  // no_index when empty.
  uint32_t pop_front() {
    const uint32_t i = head_;
    if (i != no_index) erase(i);
    return i;
  }

 private:
  static constexpr uint32_t unlinked = no_index - 1;  // no list is so long that this is an index
  struct Link {
    uint32_t prev = unlinked, next = no_index;
  };
  static_assert(sizeof(Link) == bytes_each);
  LineVector<Link> links_;
  uint32_t head_ = no_index, tail_ = no_index;
  uint32_t size_ = 0;
};

}  // namespace sluice
