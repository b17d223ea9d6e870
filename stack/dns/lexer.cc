// SPDX-License-Identifier: Apache-2.0
#include "dns/lexer.h"

namespace sluice::dns {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
constexpr bool ends_token(char c) {
  return is_blank(c) || c == '\n' || c == ';' || c == '(' || c == ')' || c == '"';
}

}  // namespace

void Lexer::step() {
  if (text_[at_++] != '\n') return;
  ++line_;
  line_began_ = at_;
}

void Lexer::take_comment() {
  while (!done() && text_[at_] != '\n') ++at_;
}

void Lexer::take_line() {
  take_comment();
  if (!done()) step();
}

bool Lexer::take_quoted(Token& t, Miscut& m) {
  t = {{}, line_, column(), true};
  const size_t began = ++at_;
  for (; !done() && text_[at_] != '\n'; ++at_) {
    if (text_[at_] == '"') {
      t.text = text_.substr(began, at_++ - began);
      return true;
    }
    if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
  }
  m = {t.line, t.column, "a quoted string without its closing quote", "end it with \" on the same line"};
  return false;
}

bool Lexer::take_token(Token& t, Miscut& m) {
  if (text_[at_] == '"') return take_quoted(t, m);
  t = {{}, line_, column(), false};
  const size_t began = at_;
  for (; !done() && !ends_token(text_[at_]); ++at_)
    if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
  t.text = text_.substr(began, at_ - began);
  return true;
}

Lexer::Got Lexer::next(Entry& e, Miscut& m) {
  e.tokens.clear();
  uint32_t depth = 0, open_line = 0, open_column = 0;
  bool line_start = true;
  while (!done()) {
    const char c = text_[at_];
    if (c == '\n') {
      step();
      if (depth > 0) continue;
      if (!e.tokens.empty()) return Got::Entry;
      line_start = true;
      continue;
    }
    if (line_start) e.begins_blank = is_blank(c);
    line_start = false;
    if (is_blank(c)) {
      ++at_;
    } else if (c == ';') {
      take_comment();
    } else if (c == '(') {
      if (depth++ == 0) open_line = line_, open_column = column();
      ++at_;
    } else if (c == ')') {
      if (depth-- == 0) {
        m = {line_, column(), "a closing parenthesis without an opening one", "remove it"};
        take_line();
        return Got::Miscut;
      }
      ++at_;
    } else if (Token t; take_token(t, m)) {
      e.tokens.push_back(t);
    } else {
      take_line();
      return Got::Miscut;
    }
  }
  if (depth > 0) {
    m = {open_line, open_column, "an opening parenthesis is never closed", "close it with )"};
    return Got::Miscut;
  }
  return e.tokens.empty() ? Got::End : Got::Entry;
}

}  // namespace sluice::dns
