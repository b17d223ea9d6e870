// SPDX-License-Identifier: Apache-2.0
// SipHash (Aumasson, Bernstein): a keyed hash for whatever a peer can choose. 2-4 for values that leave the
// machine (ISN, cookies), 1-3 for tables.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace sluice {

struct SipKey {
  uint64_t k0 = 0, k1 = 0;
};

template <int C, int D>
class SipHash {
 public:
  static constexpr uint64_t hash(SipKey key, Bytes in) {
    uint64_t v0 = key.k0 ^ 0x736f6d6570736575, v1 = key.k1 ^ 0x646f72616e646f6d;
    uint64_t v2 = key.k0 ^ 0x6c7967656e657261, v3 = key.k1 ^ 0x7465646279746573;
    const size_t words = in.size() / 8;
    for (size_t i = 0; i < words; ++i) {
      const uint64_t m = word(in.data() + 8 * i, 8);
      v3 ^= m;
      for (int r = 0; r < C; ++r) round(v0, v1, v2, v3);
      v0 ^= m;
    }
    const uint64_t last =
        (static_cast<uint64_t>(in.size()) << 56) | word(in.data() + 8 * words, in.size() % 8);
    v3 ^= last;
    for (int r = 0; r < C; ++r) round(v0, v1, v2, v3);
    v0 ^= last;
    v2 ^= 0xff;
    for (int r = 0; r < D; ++r) round(v0, v1, v2, v3);
    return v0 ^ v1 ^ v2 ^ v3;
  }

 private:
  static constexpr uint64_t word(const uint8_t* p, size_t n) {
    if (!std::is_constant_evaluated() && n == 8 && std::endian::native == std::endian::little) {
      uint64_t m;
      std::memcpy(&m, p, 8);
      return m;
    }
    uint64_t m = 0;
    for (size_t i = 0; i < n; ++i) m |= static_cast<uint64_t>(p[i]) << (8 * i);
    return m;
  }
  static constexpr void round(uint64_t& v0, uint64_t& v1, uint64_t& v2, uint64_t& v3) {
    v0 += v1, v1 = std::rotl(v1, 13), v1 ^= v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16), v3 ^= v2;
    v0 += v3, v3 = std::rotl(v3, 21), v3 ^= v0;
    v2 += v1, v1 = std::rotl(v1, 17), v1 ^= v2, v2 = std::rotl(v2, 32);
  }
};

constexpr uint64_t siphash24(SipKey k, Bytes in) { return SipHash<2, 4>::hash(k, in); }
constexpr uint64_t siphash13(SipKey k, Bytes in) { return SipHash<1, 3>::hash(k, in); }

}  // namespace sluice
