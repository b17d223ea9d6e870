// SPDX-License-Identifier: Apache-2.0
// What a route says to TCP, and the number in which ip carries it without knowing what it means.
#pragma once

#include <cstdint>
#include <optional>

#include "tcp/options.h"

namespace sluice::tcp {

struct RouteHints {
  static constexpr uint16_t most_mss = (1u << 14) - 1;

  std::optional<Algorithm> congestion{};
  uint16_t mss = 0;  // octets of text without options, at most most_mss; 0: as the path has it

  constexpr uint16_t packed() const {
    return static_cast<uint16_t>(mss << 2 | (congestion ? static_cast<unsigned>(*congestion) + 1 : 0));
  }
  static constexpr RouteHints of(uint16_t packed) {
    RouteHints h{.mss = static_cast<uint16_t>(packed >> 2)};
    if (const unsigned a = packed & 3; a != 0) h.congestion = static_cast<Algorithm>(a - 1);
    return h;
  }
};
static_assert(RouteHints::of(RouteHints{Algorithm::Reno, 1'300}.packed()).mss == 1'300);
static_assert(RouteHints::of(RouteHints{Algorithm::Reno, 1'300}.packed()).congestion == Algorithm::Reno);
static_assert(!RouteHints::of(RouteHints{{}, RouteHints::most_mss}.packed()).congestion);

}  // namespace sluice::tcp
