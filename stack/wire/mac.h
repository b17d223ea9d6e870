// SPDX-License-Identifier: Apache-2.0
// An IEEE 802 MAC-48 address.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace sluice {

struct Mac {
  std::array<uint8_t, 6> b{};

  static constexpr size_t wire_size = 6;
  static constexpr Mac load(const uint8_t* p) {
    Mac m;
    std::copy_n(p, 6, m.b.begin());
    return m;
  }
  constexpr void store(uint8_t* p) const { std::copy_n(b.begin(), 6, p); }

  static constexpr Mac broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
  constexpr bool is_zero() const { return *this == Mac{}; }
  constexpr bool is_group() const { return (b[0] & 1) != 0; }  // broadcast included
  constexpr bool is_broadcast() const { return *this == broadcast(); }

  friend constexpr auto operator<=>(const Mac&, const Mac&) = default;
  // Asked for every frame: as one number, where GCC would call memcmp.
  friend constexpr bool operator==(const Mac& x, const Mac& y) { return x.number() == y.number(); }

 private:
  constexpr uint64_t number() const {
    if (std::is_constant_evaluated()) {
      uint64_t v = 0;
      for (size_t i = 0; i < 6; ++i) v = v << 8 | b[i];
      return v;
    }
    uint32_t first;
    uint16_t last;
    std::memcpy(&first, b.data(), 4);
    std::memcpy(&last, b.data() + 4, 2);
    return static_cast<uint64_t>(last) << 32 | first;
  }
};

}  // namespace sluice
