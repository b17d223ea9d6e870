// SPDX-License-Identifier: Apache-2.0
// VLAN tags in front of a frame's type, and off again.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace sluice::test {

// The frame with tags (type, TCI), the outer one first.
inline std::vector<uint8_t> with_tags(Bytes f, std::initializer_list<std::pair<uint16_t, uint16_t>> tags) {
  std::vector<uint8_t> out(f.size() + 4 * tags.size());
  std::copy_n(f.begin(), 12, out.begin());
  size_t at = 12;
  for (const auto& [type, tci] : tags) {
    store_be<uint16_t>(out.data() + at, type);
    store_be<uint16_t>(out.data() + at + 2, tci);
    at += 4;
  }
  std::copy(f.begin() + 12, f.end(), out.begin() + static_cast<ptrdiff_t>(at));
  return out;
}
// The frame without its first so many tags.
inline std::vector<uint8_t> without_tags(std::vector<uint8_t> f, int tags) {
  f.erase(f.begin() + 12, f.begin() + 12 + 4 * tags);
  return f;
}

}  // namespace sluice::test
