// SPDX-License-Identifier: Apache-2.0
// Dates as HTTP writes them, IMF-fixdate, RFC 9110 §5.6.7. Seconds since 1970-01-01 UTC; reads no clock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::http {

using DateText = std::array<char, 29>;  // Sun, 06 Nov 1994 08:49:37 GMT

// Years 1970 to 9999; what lies outside is told as the nearest of these.
DateText date_text(int64_t unix_seconds);
// Nothing for other text; the two obsolete forms are other text.
std::optional<int64_t> parse_date(std::string_view);

}  // namespace sluice::http
