// SPDX-License-Identifier: Apache-2.0
// Rdata from its text: the fields of rdata.h one by one, and the \# form of RFC 3597 §5. Control plane.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dns/lexer.h"
#include "dns/name.h"
#include "dns/rdata.h"

namespace sluice::dns {

struct RdataFault {
  Token at;  // an empty text: after the last token
  std::string wrong;
  std::string right;
};

// Reads `tokens`, all that follows the type, into wire format. `last` is the token before them, for faults at
// the end. Nothing when `fault` says what is wrong.
std::optional<std::string> parse_rdata(Type, const Token& last, std::span<const Token> tokens,
                                       const Name& origin, RdataFault& fault);

constexpr uint64_t max_ttl = 0x7fffffff;  // seconds; RFC 2181 §8

// Seconds, as a number or as numbers with units (1h30m; w d h m s in either case), up to 2^32 - 1.
std::optional<uint32_t> parse_period(std::string_view text);

// The octets that a character-string stands for (\X, \DDD). Null, or what is wrong.
const char* unescape(std::string_view text, std::string& out);

}  // namespace sluice::dns
