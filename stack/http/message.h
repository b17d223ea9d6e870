// SPDX-License-Identifier: Apache-2.0
// Requests and responses as values, RFC 9110: what a parser proved, whatever the version on the wire. The
// texts are views of the octets that were parsed and live as long as those.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::http {

enum class Method : uint8_t { Get, Head, Post, Put, Delete, Connect, Options, Trace, Patch, Other };

// How long a message's content is. RFC 9112 §6.3.
enum class Framing : uint8_t { None, Length, Chunked, UntilClose };

struct Request {
  Method method = Method::Other;
  uint8_t minor = 1;             // of HTTP/1.minor
  std::string_view method_name;  // a token, case kept
  std::string_view target;       // as it was sent
  std::string_view
      authority;          // of an absolute target, else the Host field; may carry a port; may be empty in 1.0
  std::string_view path;  // of the target, still percent-encoded; starts with '/', or is "*"
  std::string_view query;              // without its '?'
  std::string_view if_none_match;      // empty: none, or said more than once
  std::string_view if_modified_since;  // the same
  std::string_view field_lines;        // every field line with its CRLF, proven well-formed
  bool persistent = false;             // RFC 9112 §9.3
  bool expect_continue = false;        // RFC 9110 §10.1.1; only with content to come
  Framing framing = Framing::None;
  uint64_t content_length = 0;  // octets, when framing is Length
};

struct Response {
  uint16_t status = 0;  // 100..999
  uint8_t minor = 1;
  std::string_view reason;
  std::string_view field_lines;
  bool persistent = false;
  Framing framing = Framing::None;
  uint64_t content_length = 0;
};

// ASCII only; `lower` holds no upper-case letter and `text` no control character.
constexpr bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

constexpr std::string_view trim(std::string_view s) {  // OWS, RFC 9110 §5.6.3
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// Calls f(element) for each non-empty element of a comma-separated list without quoted strings. RFC 9110
// §5.6.1.
template <class F>
constexpr void for_each_element(std::string_view list, F&& f) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    if (!element.empty()) f(element);
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
}

// Calls f(name, value) for each field of a message's field_lines.
template <class F>
constexpr void for_each_field(std::string_view lines, F&& f) {
  while (!lines.empty()) {
    const size_t colon = lines.find(':'), end = lines.find('\r');
    f(lines.substr(0, colon), trim(lines.substr(colon + 1, end - colon - 1)));
    lines.remove_prefix(end + 2);
  }
}

}  // namespace sluice::http
