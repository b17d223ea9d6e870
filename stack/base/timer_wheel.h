// SPDX-License-Identifier: Apache-2.0
// Deadlines of many things named by index: a hierarchical wheel with O(1) arm and cancel. Knows no clock.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "base/huge_vector.h"
#include "base/instant.h"
#include "base/slab.h"

namespace sluice {

// Six levels of 64 slots; a tick is 2^20 ns (about 1 ms), so the wheel reaches two years. A timer fires on
// the first tick not before its deadline, hence up to one tick late and never early.
class TimerWheel {
 public:
  static constexpr size_t bytes_each = 16;                  // of memory for each timer
  static constexpr Duration one_tick = {int64_t{1} << 20};  // what deadlines are rounded up to

  explicit TimerWheel(uint32_t capacity) : nodes_(capacity) {
    for (auto& level : heads_) level.fill(no_index);
  }

  uint32_t armed() const { return armed_; }  // how many are
  bool armed(uint32_t id) const { return nodes_[id].slot != unarmed; }
  // When `id` fires, to the tick; never() when it is not armed.
  Instant at(uint32_t id) const { return armed(id) ? instant(nodes_[id].tick) : Instant::never(); }

  // Arms or re-arms; a deadline of never() disarms.
  void arm(uint32_t id, Instant deadline) {
    cancel(id);
    if (deadline == Instant::never()) return;
    const uint64_t tick = (deadline.ns >> tick_bits) + ((deadline.ns & ((1ull << tick_bits) - 1)) != 0);
    nodes_[id].tick = std::min(std::max(tick, now_), now_ | horizon);
    place(id);
  }
  void cancel(uint32_t id) {
    Node& n = nodes_[id];
    if (n.slot == unarmed) return;
    const auto at = static_cast<uint32_t>(n.slot), level = at / slots, slot = at % slots;
    (n.prev == no_index ? heads_[level][slot] : nodes_[n.prev].next) = n.next;
    if (n.next != no_index) nodes_[n.next].prev = n.prev;
    if (heads_[level][slot] == no_index) occupied_[level] &= ~(1ull << slot);
    n.slot = unarmed;
    --armed_;
  }

  // Calls f(id) for timers due at `now`, each disarmed first, at most `most`; f may arm and cancel anything.
  // True when it stopped at `most` and more may be due.
  template <class F>
  bool expire(Instant now, uint32_t most, F&& f) {
    const uint64_t target = std::max(now.ns >> tick_bits, now_);
    for (uint32_t level = 0, slot = 0; earliest(level, slot);) {
      const uint64_t start = begin_of(level, slot);
      if (start > target) break;
      now_ = std::max(now_, start);
      while (heads_[level][slot] != no_index) {
        const uint32_t id = heads_[level][slot];
        if (level == 0 && most-- == 0) return true;
        cancel(id);
        if (level == 0)
          f(id);
        else
          place(id);
      }
    }
    now_ = target;
    return false;
  }

  // Not later than the first deadline, and later than the last expire's `now` when nothing was due then;
  // never() when nothing is armed.
  Instant next() const {
    uint32_t level = 0, slot = 0;
    return earliest(level, slot) ? instant(begin_of(level, slot)) : Instant::never();
  }

 private:
  static constexpr uint32_t tick_bits = 20, slot_bits = 6, slots = 1u << slot_bits, levels = 6;
  static constexpr uint64_t horizon = (1ull << (slot_bits * levels)) - 1;
  static constexpr uint16_t unarmed = UINT16_MAX;
  struct Node {
    uint64_t tick : 48 = 0;  // 2^48 ms: nine thousand years
    uint64_t slot : 16 = unarmed;
    uint32_t prev = no_index, next = no_index;
  };
  static_assert(sizeof(Node) == bytes_each);
  static constexpr Instant instant(uint64_t tick) { return {tick << tick_bits}; }

  // A timer lies on the level of the highest digit in which its tick differs from now_; so whatever lies on a
  // level is due before all that lies above, and the lowest occupied slot of the lowest level comes first.
  void place(uint32_t id) {
    Node& n = nodes_[id];
    const uint64_t differs = n.tick ^ now_;
    const uint32_t level =
        differs == 0 ? 0 : (63 - static_cast<uint32_t>(std::countl_zero(differs))) / slot_bits;
    const auto slot = static_cast<uint32_t>(n.tick >> (slot_bits * level)) % slots;
    uint32_t& head = heads_[level][slot];
    n.prev = no_index;
    n.next = head;
    if (head != no_index) nodes_[head].prev = id;
    head = id;
    n.slot = static_cast<uint16_t>(level * slots + slot);
    occupied_[level] |= 1ull << slot;
    ++armed_;
  }
  bool earliest(uint32_t& level, uint32_t& slot) const {
    for (level = 0; level < levels; ++level) {
      if (occupied_[level] == 0) continue;
      slot = static_cast<uint32_t>(std::countr_zero(occupied_[level]));
      return true;
    }
    return false;
  }
  uint64_t begin_of(uint32_t level, uint32_t slot) const {
    const uint64_t above = (1ull << (slot_bits * (level + 1))) - 1;
    return (now_ & ~above) | (static_cast<uint64_t>(slot) << (slot_bits * level));
  }

  uint32_t armed_ = 0;
  uint64_t now_ = 0;  // the tick up to which everything has fired
  std::array<uint64_t, levels> occupied_{};
  std::array<std::array<uint32_t, slots>, levels> heads_;
  HugeVector<Node> nodes_;
};

}  // namespace sluice
