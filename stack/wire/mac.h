// SPDX-License-Identifier: Apache-2.0
// An IEEE 802 MAC-48 address.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

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
};

}  // namespace sluice
