// SPDX-License-Identifier: Apache-2.0
// A small fast generator of random numbers, seeded by whoever owns it. Not for secrets: keys come from
// io/entropy.h.
#pragma once

#include <cstdint>

namespace sluice {

// xoshiro256** (Blackman, Vigna), its state filled from one seed by splitmix64.
class Rng {
 public:
  constexpr explicit Rng(uint64_t seed) {
    for (uint64_t& s : s_) {
      seed += 0x9e3779b97f4a7c15;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      s = z ^ (z >> 31);
    }
  }

  constexpr uint64_t operator()() {
    const uint64_t result = rotl(s_[1] * 5, 7) * 9;
    const uint64_t t = s_[1] << 17;
    s_[2] ^= s_[0];
    s_[3] ^= s_[1];
    s_[1] ^= s_[2];
    s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = rotl(s_[3], 45);
    return result;
  }
  // Uniform in [0, n); n > 0. The bias of the multiplication is below 2^-32 for n < 2^32.
  constexpr uint64_t below(uint64_t n) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>((*this)()) * n) >> 64);
  }
  // True with probability p, 0 <= p <= 1.
  constexpr bool chance(double p) { return static_cast<double>((*this)() >> 11) * 0x1.0p-53 < p; }

  using result_type = uint64_t;  // a UniformRandomBitGenerator, so that std::shuffle and friends take it
  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return UINT64_MAX; }

 private:
  static constexpr uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  uint64_t s_[4];
};

}  // namespace sluice
