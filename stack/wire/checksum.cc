// SPDX-License-Identifier: Apache-2.0
#include "wire/checksum.h"

namespace sluice::wire {

// Sums 32-bit words in the machine's order into 64 bits, which cannot overflow for any packet; folding and
// one swap at the end give the same as summing big-endian words (RFC 1071 §2 (B)). The loop is left to the
// compiler to vectorise.
Sum& Sum::add(Bytes b) {
  uint64_t s = 0;
  const uint8_t* p = b.data();
  size_t n = b.size();
  for (; n >= 4; n -= 4, p += 4) {
    uint32_t w;
    std::memcpy(&w, p, 4);
    s += w;
  }
  if (n >= 2) {
    uint16_t w;
    std::memcpy(&w, p, 2);
    s += w;
    p += 2;
    n -= 2;
  }
  if (n != 0) {
    const uint8_t last[2] = {*p, 0};
    uint16_t w;
    std::memcpy(&w, last, 2);
    s += w;
  }
  while (s >> 16) s = (s & 0xffff) + (s >> 16);
  auto folded = static_cast<uint16_t>(s);
  if constexpr (std::endian::native == std::endian::little) folded = __builtin_bswap16(folded);
  sum_ += folded;
  return *this;
}

}  // namespace sluice::wire
