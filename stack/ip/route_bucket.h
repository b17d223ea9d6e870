// SPDX-License-Identifier: Apache-2.0
// Up to seven prefixes of a route trie in one cache line, where a group would take sixteen lines and more for
// one prefix alone. They are the longer ones under an entry, each up to 32 bits longer than what leads there;
// where none of them matches, what covers them all does.
//
// Readers look while the writer changes it: the longest comes first, and is read first. In place a prefix may
// get another value or go, never come: so what a reader passed over as gone is still gone when it finds a
// shorter one, and what it finds was right at that moment. One that comes makes a new bucket.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice::ip {

class alignas(64) RouteBucket {
 public:
  static constexpr unsigned most = 7;
  static constexpr unsigned bits = 32;        // a prefix here is at most so much longer
  static constexpr unsigned value_bits = 23;  // as in an entry of the trie

  struct Item {
    uint32_t tail;    // the bits that follow, from the highest; those behind the prefix are zero
    unsigned length;  // of them, 1 to 32
    uint32_t value;
  };

  // --- readers
  // `tail`: the address's next 32 bits, or fewer and zeros. The value of the longest match, or the cover, an
  // entry whose lowest bits are its value.
  uint32_t match(uint32_t tail) const {
    const uint64_t wanted = uint64_t{tail} << 32;
    for (const auto& place : slots_) {
      const uint64_t slot = place.load(std::memory_order_acquire);
      if (slot == no_more) break;
      if ((slot ^ wanted) >> shift_of(slot) == 0) return value_of(slot);
    }
    return value_of(cover_.load(std::memory_order_acquire));
  }

  // --- the writer
  uint32_t cover() const { return static_cast<uint32_t>(cover_.load(std::memory_order_relaxed)); }
  void cover(uint32_t entry) { cover_.store(entry, std::memory_order_release); }
  // For a fresh one. Items, at most seven, longest first.
  template <class Items>
  void fill(const Items& items, uint32_t cover) {
    size_t n = 0;
    for (const Item& i : items) slots_[n++].store(slot_of(i), std::memory_order_relaxed);
    while (n < most) slots_[n++].store(no_more, std::memory_order_relaxed);
    cover_.store(cover, std::memory_order_relaxed);
  }
  // f(item, its place) for each, the longest first.
  template <class F>
  void for_each(F&& f) const {
    for (unsigned i = 0; i < most; ++i)
      if (const uint64_t s = slots_[i].load(std::memory_order_relaxed); s != gone && s != no_more)
        f(item_of(s), i);
  }
  size_t size() const {
    size_t n = 0;
    for_each([&n](const Item&, unsigned) { ++n; });
    return n;
  }
  // The prefix at that place, with another value.
  void replace(unsigned place, const Item& i) { slots_[place].store(slot_of(i), std::memory_order_release); }
  void erase(unsigned place) { slots_[place].store(gone, std::memory_order_release); }

 private:
  // A slot: the tail, how far to shift it so that the prefix alone is left (32 to 63), the value. One whose
  // prefix is gone is not shifted at all, and its value is none that any comparison leaves.
  static constexpr uint64_t gone = 1, no_more = 0;
  static constexpr uint32_t value_of(uint64_t slot) {
    return static_cast<uint32_t>(slot) & ((1u << value_bits) - 1);
  }
  static constexpr unsigned shift_of(uint64_t slot) { return slot >> value_bits & 63; }
  static constexpr uint64_t slot_of(const Item& i) {
    return uint64_t{i.tail} << 32 | uint64_t{64 - i.length} << value_bits | i.value;
  }
  static constexpr Item item_of(uint64_t s) {
    return {static_cast<uint32_t>(s >> 32), 64 - shift_of(s), value_of(s)};
  }

  std::array<std::atomic<uint64_t>, most> slots_;
  std::atomic<uint64_t> cover_;
};
static_assert(sizeof(RouteBucket) == 64);
static_assert(std::atomic<uint64_t>::is_always_lock_free);

}  // namespace sluice::ip
