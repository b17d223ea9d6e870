// SPDX-License-Identifier: Apache-2.0
#include "tcp/packetdrill/assertions.h"

#include <cctype>
#include <charconv>

namespace sluice::test::pkt {
namespace {

using Names = Assertions::Lookup;

// One statement; the values of names that were asked for are kept for the message.
class Expression {
 public:
  Expression(std::string_view text, int line, const Names& names) : text_{text}, line_{line}, names_{names} {}

  int64_t value() { return disjunction(); }
  bool at_end() { return skip(), at_ >= text_.size(); }
  bool accept(std::string_view token) {
    skip();
    if (!text_.substr(at_).starts_with(token)) return false;
    const size_t end = at_ + token.size();
    const bool words = std::isalpha(uint8_t(token.back())) && end < text_.size();
    if (words && (std::isalnum(uint8_t(text_[end])) || text_[end] == '_')) return false;
    at_ = end;
    return true;
  }
  const std::string& seen() const { return seen_; }
  [[noreturn]] void lacks(const std::string& what) const {
    throw Fault{line_, "code that is no plain assertion (" + what + "): " + std::string{text_}, true};
  }

 private:
  int64_t disjunction() {
    int64_t v = conjunction();
    while (accept("or")) v = static_cast<int64_t>(conjunction() != 0) | int64_t{v != 0};
    return v;
  }
  int64_t conjunction() {
    int64_t v = negation();
    while (accept("and")) v = static_cast<int64_t>(negation() != 0) & int64_t{v != 0};
    return v;
  }
  int64_t negation() { return accept("not") ? static_cast<int64_t>(negation() == 0) : comparison(); }
  int64_t comparison() {  // chained, as in 1 <= x <= 3
    int64_t left = bits();
    bool all = true, any = false;
    for (;;) {
      int how = -1;
      constexpr const char* signs[] = {"==", "!=", "<=", ">=", "<", ">"};
      for (int i = 0; i < 6 && how < 0; ++i)
        if (accept(signs[i])) how = i;
      if (how < 0) return any ? static_cast<int64_t>(all) : left;
      const int64_t right = bits();
      const bool holds[] = {left == right, left != right, left <= right, left >= right,
                            left<right, left> right};
      all = all && holds[how];
      any = true;
      left = right;
    }
  }
  int64_t bits() {
    int64_t v = sum();
    for (;;) {
      if (accept("&"))
        v &= sum();
      else if (accept("|"))
        v |= sum();
      else
        return v;
    }
  }
  int64_t sum() {
    int64_t v = product();
    for (;;) {
      if (accept("+"))
        v = bounded(v + product());
      else if (accept("-"))
        v = bounded(v - product());
      else
        return v;
    }
  }
  int64_t product() {
    int64_t v = primary();
    for (;;) {
      if (accept("*")) {
        v = bounded(v) * bounded(primary());
      } else if (accept("//") || accept("/")) {
        const int64_t by = primary();
        if (by == 0) lacks("division by zero");
        v /= by;
      } else {
        return v;
      }
    }
  }
  int64_t primary() {
    if (++depth_ > 64) lacks("too deep");
    const int64_t v = primary_inside();
    --depth_;
    return v;
  }
  int64_t primary_inside() {
    skip();
    if (accept("-")) return -primary();
    if (accept("(")) {
      const int64_t v = value();
      if (!accept(")")) lacks("no ')'");
      return v;
    }
    size_t end = at_;
    while (end < text_.size() && (std::isalnum(uint8_t(text_[end])) || text_[end] == '_')) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    if (word.empty()) lacks("a value is missing");
    at_ = end;
    if (std::isdigit(uint8_t(word[0]))) {
      int64_t n = 0;
      const bool hex = word.starts_with("0x");
      const char* last = word.data() + word.size();
      if (std::from_chars(word.data() + (hex ? 2 : 0), last, n, hex ? 16 : 10).ptr != last)
        lacks("no integer: " + std::string{word});
      return bounded(n);
    }
    const auto v = names_(word);
    if (!v) throw Fault{line_, "no value for " + std::string{word}, true};
    if (!std::isupper(uint8_t(word[0])))
      seen_ += (seen_.empty() ? "" : ", ") + std::string{word} + " is " + std::to_string(*v);
    return *v;
  }
  // Scripts count octets and segments; more is a mistake, and sums must not overflow.
  int64_t bounded(int64_t v) const {
    constexpr int64_t most = int64_t{1} << 31;
    if (v > 2 * most || v < -2 * most) lacks("a number beyond 32 bits");
    return std::clamp(v, -most, 2 * most);
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(uint8_t(text_[at_]))) ++at_;
  }

  std::string_view text_;
  int line_;
  const Names& names_;
  size_t at_ = 0;
  int depth_ = 0;
  std::string seen_;
};

std::string_view trim(std::string_view s) {
  while (!s.empty() && std::isspace(uint8_t(s.front()))) s.remove_prefix(1);
  while (!s.empty() && std::isspace(uint8_t(s.back()))) s.remove_suffix(1);
  return s;
}

}  // namespace

void Assertions::run(const Code& code, int line, const Lookup& names) {
  const Lookup known = [&](std::string_view name) -> std::optional<int64_t> {
    const auto it = variables_.find(name);
    return it != variables_.end() ? it->second : names(name);
  };
  std::string_view left = code.text;
  while (!left.empty()) {
    // A statement ends at a line's end, unless that is escaped, or at a semicolon.
    std::string one;
    const int at = line;
    bool comment = false;
    size_t n = 0;
    for (; n < left.size(); ++n) {
      if (left[n] == '\n') {
        ++line;
        if (one.empty() || one.back() != '\\') break;
        one.pop_back();
        continue;
      }
      if (left[n] == '#') comment = true;
      if (left[n] == ';' && !comment) break;
      if (!comment) one += left[n];
    }
    left.remove_prefix(std::min(n + 1, left.size()));
    const std::string_view statement = trim(one);
    if (statement.empty() || statement.starts_with("print")) continue;
    Expression e{statement, at, known};
    if (e.accept("assert")) {
      const bool holds = e.value() != 0;
      if (!e.at_end() && !e.accept(",")) e.lacks("something behind the condition");
      if (!holds)
        throw Fault{
            at, "does not hold: " + std::string{statement} + (e.seen().empty() ? "" : " (" + e.seen() + ")")};
      continue;
    }
    const size_t sign = statement.find('=');
    if (sign == std::string_view::npos || sign == 0) e.lacks("neither assert nor assignment");
    const char before = statement[sign - 1];
    const bool adds = before == '+', takes = before == '-';
    const std::string name{trim(statement.substr(0, sign - (adds || takes ? 1 : 0)))};
    if (name.find_first_of(" ()[].,<>!") != std::string::npos) e.lacks("no plain name: " + name);
    Expression right{statement.substr(sign + 1), at, known};
    const int64_t v = right.value();
    if (!right.at_end()) right.lacks("something behind the value");
    const int64_t old = adds || takes ? known(name).value_or(0) : 0;
    variables_[name] = takes ? old - v : old + v;
  }
}

}  // namespace sluice::test::pkt
