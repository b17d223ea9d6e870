// SPDX-License-Identifier: Apache-2.0
// A cursor over a script: skips blanks and comments, counts lines, takes what is asked for or says what it
// found instead.
#pragma once

#include <cctype>
#include <charconv>
#include <string>
#include <string_view>

#include "tcp/packetdrill/script.h"

namespace sluice::test::pkt {

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_{text} {}

  int line() const { return line_; }
  bool at_end() { return skip(), at_ == text_.size(); }
  bool sees(std::string_view token) { return skip(), text_.substr(at_).starts_with(token); }
  char peek() { return skip(), at_ < text_.size() ? text_[at_] : '\0'; }
  bool accept(std::string_view token) {
    if (!sees(token)) return false;
    advance(token.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) fail("expected '" + std::string{token} + "'");
  }
  // A word that ends where no letter, digit or _ follows.
  bool accept_word(std::string_view word) {
    if (!sees(word)) return false;
    const size_t end = at_ + word.size();
    if (end < text_.size() && is_word(text_[end])) return false;
    advance(word.size());
    return true;
  }
  std::string word() {
    skip();
    size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    if (end == at_) fail("expected a word");
    return take(end);
  }
  // Decimal, or hexadecimal behind 0x; negative too.
  int64_t number() {
    skip();
    size_t at = at_;
    const bool minus = at < text_.size() && text_[at] == '-';
    if (minus) ++at;
    const bool hex = text_.substr(at).starts_with("0x");
    if (hex) at += 2;
    int64_t n = 0;
    const auto [end, bad] = std::from_chars(text_.data() + at, text_.data() + text_.size(), n, hex ? 16 : 10);
    if (bad != std::errc{} || end == text_.data() + at || n < 0) fail("expected a number");
    advance(static_cast<size_t>(end - text_.data()) - at_);
    return minus ? -n : n;
  }
  template <class T>
  T number_up_to() {
    const int64_t n = number();
    if (n < 0 || static_cast<uint64_t>(n) > std::numeric_limits<T>::max()) fail("number out of range");
    return static_cast<T>(n);
  }
  // Seconds, as 1, .5 or 0.001; to the microsecond. Dots that come in threes are not part of it.
  Duration time() {
    skip();
    size_t end = at_;
    int64_t us = 0, unit = 1'000'000;
    const auto digit = [&](size_t i) { return i < text_.size() && std::isdigit(uint8_t(text_[i])); };
    constexpr int64_t longest = 1'000'000'000;  // seconds; a script is no calendar
    for (; digit(end); ++end) {
      us = us * 10 + (text_[end] - '0') * 1'000'000;
      if (us > longest * 1'000'000) fail("time out of range");
    }
    if (end < text_.size() && text_[end] == '.' && digit(end + 1))
      for (++end; digit(end); ++end) us += (text_[end] - '0') * (unit /= 10);
    if (end == at_) fail("expected a time");
    advance(end - at_);
    return Duration::from_us(us);
  }
  // Everything up to `end`, which is taken too.
  std::string until(std::string_view end) {
    const size_t found = text_.find(end, at_);
    if (found == std::string_view::npos) fail("no '" + std::string{end} + "' that ends this");
    std::string s = take(found);
    advance(end.size());
    return s;
  }
  std::string rest_of_line() { return take(std::min(text_.find('\n', at_), text_.size())); }

  [[noreturn]] void fail(const std::string& what) const {
    std::string near{text_.substr(at_, std::min<size_t>(30, text_.find('\n', at_) - at_))};
    throw Fault{line_, near.empty() ? what + " before the line's end" : what + " at '" + near + "'"};
  }
  [[noreturn]] void lacks(const std::string& what) const { throw Fault{line_, what, true}; }

 private:
  static bool is_word(char c) { return std::isalnum(uint8_t(c)) || c == '_'; }
  void advance(size_t n) {
    for (; n != 0; --n)
      if (text_[at_++] == '\n') ++line_;
  }
  std::string take(size_t end) {
    std::string s{text_.substr(at_, end - at_)};
    advance(end - at_);
    return s;
  }
  void skip() {
    while (at_ < text_.size()) {
      if (std::isspace(uint8_t(text_[at_]))) {
        advance(1);
      } else if (text_.substr(at_).starts_with("//")) {
        advance(std::min(text_.find('\n', at_), text_.size()) - at_);
      } else if (text_.substr(at_).starts_with("/*")) {
        advance(2);
        (void)until("*/");
      } else {
        return;
      }
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
};

}  // namespace sluice::test::pkt
