// SPDX-License-Identifier: Apache-2.0
// The lines of an HTTP/1.1 head, RFC 9112 §5: what request and response heads have in common. Strict: a line
// ends in CRLF, a field is a token, a colon and field text. Reads from left to right, so that the verdict on
// a prefix is never another than the verdict on the whole.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/counters.h"
#include "http/message.h"
#include "http/scan.h"

namespace sluice::http::h1 {

enum class Step : uint8_t { Done, More, Bad };

struct Cursor {
  const uint8_t* p;
  const uint8_t* end;
  Counter why = Counter::http_bad_request_line;  // told with Step::Bad

  size_t left() const { return static_cast<size_t>(end - p); }
  Step bad(Counter c) {
    why = c;
    return Step::Bad;
  }
};

namespace detail {
constexpr std::array<bool, 256> make_token_octets() {
  std::array<bool, 256> t{};
  for (int c = '0'; c <= '9'; ++c) t[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) t[static_cast<size_t>(c)] = t[static_cast<size_t>(c - 32)] = true;
  for (char c : std::string_view{"!#$%&'*+-.^_`|~"}) t[static_cast<unsigned char>(c)] = true;
  return t;
}
}  // namespace detail
inline constexpr std::array<bool, 256> token_octets = detail::make_token_octets();  // RFC 9110 §5.6.2

inline std::string_view text(const uint8_t* from, const uint8_t* to) {
  return {reinterpret_cast<const char*>(from), static_cast<size_t>(to - from)};
}

// CRLF at the cursor; anything else is `why`.
inline Step line_end(Cursor& c, Counter why) {
  if (c.left() > 0 && c.p[0] != '\r') return c.bad(c.p[0] == '\n' ? Counter::http_bad_line_end : why);
  if (c.left() > 1 && c.p[1] != '\n') return c.bad(Counter::http_bad_line_end);
  if (c.left() < 2) return Step::More;
  c.p += 2;
  return Step::Done;
}

// One field line with its CRLF.
inline Step field_line(Cursor& c, std::string_view& name, std::string_view& value) {
  const uint8_t* const start = c.p;
  if (*c.p == ' ' || *c.p == '\t') return c.bad(Counter::http_folded_field);
  while (c.p != c.end && token_octets[*c.p]) ++c.p;
  if (c.p == c.end) return Step::More;
  if (*c.p == '\n') return c.bad(Counter::http_bad_line_end);
  if (*c.p != ':' || c.p == start) return c.bad(Counter::http_bad_field_name);
  name = text(start, c.p++);
  const uint8_t* const from = c.p;
  c.p += scan_field_text(c.p, c.left());
  value = trim(text(from, c.p));
  if (c.p == c.end) return Step::More;
  return line_end(c, Counter::http_bad_field_value);
}

// Field lines and the empty line behind them. Calls on_field(name, value) -> Step for each; `lines` becomes
// all of them. At most `most` fields.
template <class F>
Step field_lines(Cursor& c, uint32_t most, std::string_view& lines, F&& on_field) {
  const uint8_t* const start = c.p;
  for (uint32_t n = 0;; ++n) {
    if (c.p == c.end) return Step::More;
    if (*c.p == '\r' || *c.p == '\n') {
      lines = text(start, c.p);
      return line_end(c, Counter::http_bad_line_end);
    }
    if (n == most) return c.bad(Counter::http_too_many_fields);
    std::string_view name, value;
    if (const Step s = field_line(c, name, value); s != Step::Done) return s;
    if (const Step s = on_field(name, value); s != Step::Done) return s;
  }
}

// What both ends must understand to find a message's end. RFC 9112 §6.
struct FramingFields {
  bool has_length = false, has_coding = false;
  bool close = false, keep_alive = false;  // Connection options, RFC 9112 §9.3
  uint64_t length = 0;
  std::string_view coding;

  // Takes the field in if it is one of these.
  Step take(Cursor& c, std::string_view name, std::string_view value) {
    if (name.size() == 10 && equals_ignoring_case(name, "connection")) connection(value);
    if (name.size() == 14 && equals_ignoring_case(name, "content-length")) return content_length(c, value);
    if (name.size() == 17 && equals_ignoring_case(name, "transfer-encoding")) {
      if (has_coding) return c.bad(Counter::http_bad_transfer_coding);
      has_coding = true;
      coding = value;
    }
    return Step::Done;
  }
  // Only "chunked" is understood. A message whose last coding is another has no end to be found at all.
  Step check_coding(Cursor& c) const {
    if (has_length) return c.bad(Counter::http_length_and_chunked);
    if (equals_ignoring_case(coding, "chunked")) return Step::Done;
    std::string_view last;
    for_each_element(coding, [&](std::string_view e) { last = e; });
    const bool found = equals_ignoring_case(last, "chunked");
    return c.bad(found ? Counter::http_transfer_coding_unknown : Counter::http_bad_transfer_coding);
  }

 private:
  void connection(std::string_view value) {
    for_each_element(value, [&](std::string_view option) {
      close |= equals_ignoring_case(option, "close");
      keep_alive |= equals_ignoring_case(option, "keep-alive");
    });
  }
  // Digits only, once: a list of equal numbers is allowed by RFC 9110 §8.6 and refused here, because what
  // sits in front of us may have read another of them.
  Step content_length(Cursor& c, std::string_view value) {
    if (has_length || value.empty() || value.size() > 19) return c.bad(Counter::http_bad_content_length);
    has_length = true;
    for (const char digit : value) {
      if (digit < '0' || digit > '9') return c.bad(Counter::http_bad_content_length);
      length = length * 10 + static_cast<uint64_t>(digit - '0');
    }
    return Step::Done;
  }
};

}  // namespace sluice::http::h1
