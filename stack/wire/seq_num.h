// SPDX-License-Identifier: Apache-2.0
// A TCP sequence number: arithmetic modulo 2^32, RFC 9293 §3.4. It has no order, only a before.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace sluice {

struct SeqNum {
  uint32_t v = 0;

  static constexpr size_t wire_size = 4;
  static constexpr SeqNum load(const uint8_t* p) { return {load_be<uint32_t>(p)}; }
  constexpr void store(uint8_t* p) const { store_be<uint32_t>(p, v); }

  friend constexpr bool operator==(SeqNum, SeqNum) = default;
  friend constexpr SeqNum operator+(SeqNum s, uint32_t n) { return {s.v + n}; }
  friend constexpr SeqNum operator-(SeqNum s, uint32_t n) { return {s.v - n}; }
  // The way from b to a; meaningful when they are less than 2^31 apart.
  friend constexpr int32_t operator-(SeqNum a, SeqNum b) { return static_cast<int32_t>(a.v - b.v); }

  constexpr bool before(SeqNum o) const { return *this - o < 0; }
  constexpr bool after(SeqNum o) const { return *this - o > 0; }
  constexpr bool in(SeqNum first, uint32_t length) const { return v - first.v < length; }
};
constexpr SeqNum later(SeqNum a, SeqNum b) { return a.before(b) ? b : a; }

static_assert(SeqNum{0xffff'fffe}.before(SeqNum{1}) && SeqNum{1}.after(SeqNum{0xffff'fffe}));
static_assert(SeqNum{3}.in(SeqNum{0xffff'fffe}, 6) && !SeqNum{4}.in(SeqNum{0xffff'fffe}, 6));

}  // namespace sluice
