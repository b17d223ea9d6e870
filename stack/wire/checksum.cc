// SPDX-License-Identifier: Apache-2.0
#include "wire/checksum.h"

namespace sluice::wire {
namespace {

template <class T>
T word(const uint8_t* p) {
  T w;
  std::memcpy(&w, p, sizeof w);
  return w;
}

// Words in the machine's order into 64 bits, which cannot overflow for any packet; folding and one swap at
// the end give the same as summing big-endian words (RFC 1071 §2 (B)). `n` is a multiple of 64; the loop is
// left to the compiler to vectorise.
[[gnu::always_inline]] inline uint64_t sum_blocks(const uint8_t* p, size_t n) {
  uint64_t s = 0;
  for (size_t i = 0; i < n; i += 4) s += word<uint32_t>(p + i);
  return s;
}

#if defined(__x86_64__) && !defined(__AVX2__)
[[gnu::target("avx2")]] uint64_t sum_blocks_avx2(const uint8_t* p, size_t n) { return sum_blocks(p, n); }
const bool has_avx2 = __builtin_cpu_supports("avx2");
uint64_t sum_many(const uint8_t* p, size_t n) { return has_avx2 ? sum_blocks_avx2(p, n) : sum_blocks(p, n); }
#else
uint64_t sum_many(const uint8_t* p, size_t n) { return sum_blocks(p, n); }
#endif

}  // namespace

Sum& Sum::add(Bytes b) {
  const uint8_t* p = b.data();
  size_t n = b.size();
  uint64_t s = 0;
  if (n >= 128) {
    const size_t blocks = n & ~size_t{63};
    s = sum_many(p, blocks);
    p += blocks;
    n -= blocks;
  }
  for (; n >= 8; n -= 8, p += 8) {
    const auto w = word<uint64_t>(p);
    s += (w & 0xffff'ffff) + (w >> 32);
  }
  if (n & 4) s += word<uint32_t>(p), p += 4;
  if (n & 2) s += word<uint16_t>(p), p += 2;
  if (n & 1) {
    const uint8_t last[2] = {*p, 0};
    s += word<uint16_t>(last);
  }
  const uint16_t folded = fold(s);
  sum_ += std::endian::native == std::endian::little ? __builtin_bswap16(folded) : folded;
  return *this;
}

}  // namespace sluice::wire
