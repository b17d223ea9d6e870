// SPDX-License-Identifier: Apache-2.0
// What arrived of one flow, by number: new, overtaken, or seen before. Remembers the last 64 numbers.
#pragma once

#include <cstdint>

namespace sluice::load {

class Sequence {
 public:
  enum class Verdict : uint8_t {
    InOrder,    // the highest so far
    Reordered,  // new, but a higher one came before it
    Duplicate,
    Ancient  // too far behind to tell a late one from a duplicate
  };

  Verdict see(uint32_t number) {
    const auto ahead = static_cast<int32_t>(number + 1 - next_);
    if (ahead > 0) {
      seen_ = ahead >= 64 ? 1 : seen_ << ahead | 1;
      next_ = number + 1;
      return Verdict::InOrder;
    }
    const auto behind = static_cast<uint32_t>(-ahead);
    if (behind >= 64) return Verdict::Ancient;
    const uint64_t bit = uint64_t{1} << behind;
    if ((seen_ & bit) != 0) return Verdict::Duplicate;
    seen_ |= bit;
    return Verdict::Reordered;
  }

 private:
  uint64_t seen_ = 0;  // bit n: number next_ - 1 - n
  uint32_t next_ = 0;  // one past the highest
};

}  // namespace sluice::load
