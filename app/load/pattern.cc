// SPDX-License-Identifier: Apache-2.0
#include "app/load/pattern.h"

#include <charconv>

namespace sluice::load {
namespace {

std::optional<uint64_t> decimal(std::string_view text) {
  uint64_t v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return v;
}

}  // namespace

std::optional<Pattern> Pattern::parse(std::string_view text, std::string& wrong) {
  const size_t open = text.find('{'), close = text.find('}');
  const size_t dots = text.find("..", open == std::string_view::npos ? 0 : open);
  Pattern p;
  if (open == std::string_view::npos || close == std::string_view::npos || close < open || dots > close ||
      text.find_first_of("{}", close + 1) != std::string_view::npos) {
    wrong = "write one range in braces, like host{0..999999}.example.test";
    return std::nullopt;
  }
  const auto first = text.substr(open + 1, dots - open - 1), last = text.substr(dots + 2, close - dots - 2);
  const auto a = decimal(first), b = decimal(last);
  if (!a || !b || *a > *b) {
    wrong = "a range goes from a number to one that is not less, like {0..999999}";
    return std::nullopt;
  }
  p.first_ = *a;
  p.last_ = *b;
  p.width_ = first.size() > 1 && first[0] == '0' ? first.size() : 0;
  p.before_ = text.substr(0, open);
  p.behind_ = text.substr(close + 1);
  return p;
}

std::string Pattern::name(uint64_t i) const {
  std::string digits = std::to_string(first_ + i);
  if (digits.size() < width_) digits.insert(0, width_ - digits.size(), '0');
  return before_ + digits + behind_;
}

}  // namespace sluice::load
