// SPDX-License-Identifier: Apache-2.0
#include "wire/checksum.h"

namespace sluice::wire {
namespace {

// Words of 32 bits into 64, which cannot overflow for any packet; the loop is left to the compiler to
// vectorise.
[[gnu::always_inline]] inline uint64_t sum_words(const uint8_t* p, size_t n) {
  uint64_t s = 0;
  for (size_t i = 0; i < n; i += 4) {
    uint32_t w;
    std::memcpy(&w, p + i, sizeof w);
    s += w;
  }
  return s;
}

#if defined(__x86_64__) && !defined(__AVX2__)
[[gnu::target("avx2")]] uint64_t sum_words_avx2(const uint8_t* p, size_t n) { return sum_words(p, n); }
const bool has_avx2 = __builtin_cpu_supports("avx2");
#endif

}  // namespace

uint64_t Sum::sum_blocks(const uint8_t* p, size_t n) {
#if defined(__x86_64__) && !defined(__AVX2__)
  if (has_avx2) return sum_words_avx2(p, n);
#endif
  return sum_words(p, n);
}

}  // namespace sluice::wire
