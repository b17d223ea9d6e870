// SPDX-License-Identifier: Apache-2.0
// Many names from one line: 'host{0..999999}.example.test' stands for a million of them. A first number with
// leading zeros says how wide all are: {0000..9999}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::load {

class Pattern {
 public:
  // Nothing when the text has another number of ranges than one, or one that is none; `wrong` says what.
  static std::optional<Pattern> parse(std::string_view text, std::string& wrong);

  uint64_t size() const { return last_ - first_ + 1; }
  std::string name(uint64_t i) const;

 private:
  std::string before_, behind_;
  uint64_t first_ = 0, last_ = 0;
  size_t width_ = 0;
};

}  // namespace sluice::load
