// SPDX-License-Identifier: Apache-2.0
// The octets of test streams: which octet stands at an offset is known, so that a byte lost, doubled or moved
// is noticed wherever it comes out. Different phases are different streams.
#pragma once

#include <cstring>
#include <vector>

#include "base/rng.h"
#include "buf/chunk.h"

namespace sluice::test {

class Pattern {
 public:
  static constexpr uint32_t period = 65'521;   // prime: no segment size divides it
  static constexpr uint32_t longest = 65'536;  // of one stretch

  Pattern() : bytes_(period + longest) {
    Rng rng{42};
    for (uint32_t i = 0; i < period; ++i) bytes_[i] = static_cast<uint8_t>(rng());
    for (uint32_t i = period; i < bytes_.size(); ++i) bytes_[i] = bytes_[i - period];
    chunk_.data = bytes_.data();
    chunk_.size = static_cast<uint32_t>(bytes_.size());
  }
  // `length` octets, at most `longest`, of the stream `phase` from `offset` on.
  Bytes bytes(uint64_t phase, uint64_t offset, uint32_t length) const {
    return {bytes_.data() + at(phase, offset), length};
  }
  bool fits(uint64_t phase, uint64_t offset, Bytes b) const {
    while (!b.empty()) {
      const auto n = static_cast<uint32_t>(b.size() < longest ? b.size() : longest);
      if (std::memcmp(b.data(), bytes_.data() + at(phase, offset), n) != 0) return false;
      b = b.subspan(n);
      offset += n;
    }
    return true;
  }
  buf::Slice slice(uint64_t phase, uint64_t offset, uint32_t length) {
    return {chunk_, at(phase, offset), length};
  }
  // Whether every slice was given back.
  bool at_rest() const { return chunk_.refs == 0; }

 private:
  static uint32_t at(uint64_t phase, uint64_t offset) {
    return static_cast<uint32_t>((phase * 31 + offset) % period);
  }
  std::vector<uint8_t> bytes_;
  buf::Chunk chunk_;
};

}  // namespace sluice::test
