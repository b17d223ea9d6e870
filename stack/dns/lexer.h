// SPDX-License-Identifier: Apache-2.0
// Cuts the text of a master file into entries: parentheses, comments, quotes. RFC 1035 §5.1. Knows no name
// and no type; escapes stay as they are written.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::dns {

struct Token {
  std::string_view text;  // without its quotes
  uint32_t line = 0, column = 0;
  bool quoted = false;
};

// One logical line; it has at least one token.
struct Entry {
  std::vector<Token> tokens;
  bool begins_blank = false;  // the owner is that of the entry before
};

// What keeps an entry from being cut; the lexer goes on with the next line.
struct Miscut {
  uint32_t line, column;
  const char* wrong;
  const char* right;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_{text} {}  // the text outlives the lexer and its tokens

  enum class Got : uint8_t { Entry, Miscut, End };
  Got next(Entry&, Miscut&);

 private:
  bool take_token(Token&, Miscut&);
  bool take_quoted(Token&, Miscut&);
  void take_comment();
  void take_line();
  void step();
  bool done() const { return at_ == text_.size(); }
  uint32_t column() const { return static_cast<uint32_t>(at_ - line_began_ + 1); }

  std::string_view text_;
  size_t at_ = 0, line_began_ = 0;
  uint32_t line_ = 1;
};

}  // namespace sluice::dns
