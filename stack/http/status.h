// SPDX-License-Identifier: Apache-2.0
// Status codes the server says, RFC 9110 §15, and which of them answers which broken request.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/counters.h"

namespace sluice::http {

struct StatusLine {
  uint16_t code;
  std::string_view reason;
  Counter counter;  // sluice_http_responses_total{status="..."}
};

inline constexpr std::array<StatusLine, 14> status_lines{{
    {200, "OK", Counter::http_status_200},
    {301, "Moved Permanently", Counter::http_status_301},
    {304, "Not Modified", Counter::http_status_304},
    {400, "Bad Request", Counter::http_status_400},
    {404, "Not Found", Counter::http_status_404},
    {405, "Method Not Allowed", Counter::http_status_405},
    {408, "Request Timeout", Counter::http_status_408},
    {413, "Content Too Large", Counter::http_status_413},
    {414, "URI Too Long", Counter::http_status_414},
    {417, "Expectation Failed", Counter::http_status_417},
    {431, "Request Header Fields Too Large", Counter::http_status_431},
    {500, "Internal Server Error", Counter::http_status_500},
    {501, "Not Implemented", Counter::http_status_501},
    {505, "HTTP Version Not Supported", Counter::http_status_505},
}};

// Where `code` stands in status_lines; it does.
constexpr size_t status_index(uint16_t code) {
  for (size_t i = 0; i < status_lines.size(); ++i)
    if (status_lines[i].code == code) return i;
  check(false, "a status that the server says");
  return 0;
}

// The answer to a request that was refused for `why`, a counter of this room.
constexpr uint16_t status_of(Counter why) {
  switch (why) {
    case Counter::http_target_too_long:
      return 414;
    case Counter::http_head_too_large:
    case Counter::http_too_many_fields:
      return 431;
    case Counter::http_body_too_large:
      return 413;
    case Counter::http_version_unsupported:
      return 505;
    case Counter::http_transfer_coding_unknown:
      return 501;
    case Counter::http_expectation_unknown:
      return 417;
    case Counter::http_head_timeout:
      return 408;
    default:
      return 400;
  }
}

}  // namespace sluice::http
