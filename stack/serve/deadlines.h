// SPDX-License-Identifier: Apache-2.0
// Deadlines of things that are named by a small index, each waiting on at most one of a few lists whose wait
// is fixed: within a list, first armed is first due, so arming is O(1) and there is nothing to sort.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/instant.h"
#include "base/lines.h"

namespace sluice::serve {

class Deadlines {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  // Things are 0..things-1.
  explicit Deadlines(uint32_t things) : nodes_(things) {}
  // At start. Returns the list's number.
  uint32_t add_list(Duration wait) {
    lists_.push_back({wait});
    return static_cast<uint32_t>(lists_.size() - 1);
  }

  // The list `thing` waits on, or none.
  uint32_t waits_on(uint32_t thing) const { return nodes_[thing].list; }
  // From now on `thing` waits on `list`, and on no other. `now` never goes back.
  void arm(uint32_t thing, uint32_t list, Instant now) {
    disarm(thing);
    List& l = lists_[list];
    nodes_[thing] = {now + l.wait, list, l.last, none};
    (l.last == none ? l.first : nodes_[l.last].next) = thing;
    l.last = thing;
  }
  void disarm(uint32_t thing) {
    Node& n = nodes_[thing];
    if (n.list == none) return;
    List& l = lists_[n.list];
    (n.before == none ? l.first : nodes_[n.before].next) = n.next;
    (n.next == none ? l.last : nodes_[n.next].before) = n.before;
    n.list = none;
  }
  // When the next thing is due.
  Instant deadline() const {
    Instant next = Instant::never();
    for (const List& l : lists_)
      if (l.first != none && nodes_[l.first].at < next) next = nodes_[l.first].at;
    return next;
  }
  // Disarms what is due, at most `most` things, and calls f(thing, list) for each; returns how many.
  template <class F>
  size_t expire(Instant now, size_t most, F&& f) {
    size_t n = 0;
    for (uint32_t list = 0; list < lists_.size(); ++list) {
      for (; n < most && lists_[list].first != none && nodes_[lists_[list].first].at <= now; ++n) {
        const uint32_t thing = lists_[list].first;
        disarm(thing);
        f(thing, list);
      }
    }
    return n;
  }

 private:
  struct Node {
    Instant at;
    uint32_t list = none, before = none, next = none;
  };
  struct List {
    Duration wait;
    uint32_t first = none, last = none;
  };
  LineVector<Node> nodes_;
  LineVector<List> lists_;
};

}  // namespace sluice::serve
