// SPDX-License-Identifier: Apache-2.0
// What the content of every response must be: known beforehand, or the first response's. Every octet is
// compared, wherever the stream was cut.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/bytes.h"

namespace sluice::load {

class Reference {
 public:
  Reference() = default;
  explicit Reference(std::vector<uint8_t> content) : content_{std::move(content)}, known_{true} {}

  bool known() const { return known_; }
  uint64_t size() const { return content_.size(); }
  // Whether the octets at `at` are those that belong there.
  bool fits(uint64_t at, Bytes piece) const {
    return at + piece.size() <= content_.size() &&
           std::memcmp(content_.data() + at, piece.data(), piece.size()) == 0;
  }

  // Learning: the pieces of the first response, in order, then its end. False when it is too long to keep.
  bool learn(Bytes piece) {
    if (content_.size() + piece.size() > most) return false;
    content_.insert(content_.end(), piece.begin(), piece.end());
    return true;
  }
  void learned() { known_ = true; }
  void forget() { content_.clear(), known_ = false; }

  static constexpr uint64_t most = uint64_t{1} << 30;

 private:
  std::vector<uint8_t> content_;
  bool known_ = false;
};

}  // namespace sluice::load
