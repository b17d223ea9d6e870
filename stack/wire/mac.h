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

  // The modified EUI-64 that SLAAC makes of a MAC, network order: RFC 4291 appendix A.
  constexpr uint64_t eui64() const {
    return static_cast<uint64_t>(b[0] ^ 2u) << 56 | static_cast<uint64_t>(b[1]) << 48 |
           static_cast<uint64_t>(b[2]) << 40 | 0xff'fe00'0000u | static_cast<uint64_t>(b[3]) << 16 |
           static_cast<uint64_t>(b[4]) << 8 | b[5];
  }
  // Where frames to an IPv6 group go: RFC 2464 §7; `low` are the group's lowest 32 bits.
  static constexpr Mac ip6_group(uint32_t low) {
    return {{0x33, 0x33, static_cast<uint8_t>(low >> 24), static_cast<uint8_t>(low >> 16),
             static_cast<uint8_t>(low >> 8), static_cast<uint8_t>(low)}};
  }

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
