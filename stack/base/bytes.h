// SPDX-License-Identifier: Apache-2.0
// Bytes as they come from the wire: unowned spans, and loads and stores in network byte order.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace sluice {

using Bytes = std::span<const uint8_t>;
using MutBytes = std::span<uint8_t>;

// Reads an unsigned integer in network byte order. The caller has proved that sizeof(T) bytes are there.
template <std::unsigned_integral T>
constexpr T load_be(const uint8_t* p) {
  if (std::is_constant_evaluated()) {
    T v = 0;
    for (size_t i = 0; i < sizeof(T); ++i) v = static_cast<T>((static_cast<uint64_t>(v) << 8) | p[i]);
    return v;
  }
  T v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) return v;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(v);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(v);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(v);
}

// Writes an unsigned integer in network byte order. The caller has proved that sizeof(T) bytes have room.
template <std::unsigned_integral T>
constexpr void store_be(uint8_t* p, T v) {
  if (std::is_constant_evaluated()) {
    for (size_t i = 0; i < sizeof(T); ++i)
      p[i] = static_cast<uint8_t>(static_cast<uint64_t>(v) >> (8 * (sizeof(T) - 1 - i)));
    return;
  }
  if constexpr (std::endian::native == std::endian::little) {
    if constexpr (sizeof(T) == 2) v = __builtin_bswap16(v);
    if constexpr (sizeof(T) == 4) v = __builtin_bswap32(v);
    if constexpr (sizeof(T) == 8) v = __builtin_bswap64(v);
  }
  std::memcpy(p, &v, sizeof v);
}

inline Bytes as_bytes(std::string_view s) { return {reinterpret_cast<const uint8_t*>(s.data()), s.size()}; }
inline std::string_view as_text(Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

namespace bytes_detail {
constexpr uint8_t four[4] = {1, 2, 3, 4};
static_assert(load_be<uint32_t>(four) == 0x01020304);
static_assert(load_be<uint16_t>(four + 1) == 0x0203);
}  // namespace bytes_detail

}  // namespace sluice
