// SPDX-License-Identifier: Apache-2.0
// What a connection waits for; one thing at a time, so two at once cannot be said. Knows no clock.
#pragma once

#include <cstdint>
#include <variant>

#include "base/instant.h"

namespace sluice::tcp {

struct Idle {};
struct Retransmit {  // RFC 6298 §5, RFC 8985 §8: one timer for three purposes
  enum class Why : uint8_t { Timeout, LossProbe, Reordering };
  Instant at;
  Instant since;      // the last progress
  uint8_t tries = 0;  // times the oldest unacknowledged segment timed out
  Why why = Why::Timeout;
};
struct Persist {  // RFC 9293 §3.8.6.1
  Instant at;
  Instant since;  // when the window was found closed
  Duration wait;
};
struct KeepAlive {  // RFC 9293 §3.8.4
  Instant at;
  uint8_t probes = 0;
};
struct FinWait2 {
  Instant at;
};
using Timer = std::variant<Idle, Retransmit, Persist, KeepAlive, FinWait2>;

constexpr Instant deadline(const Timer& t) {
  return std::visit(
      [](const auto& x) {
        if constexpr (requires { x.at; }) return x.at;
        return Instant::never();
      },
      t);
}

}  // namespace sluice::tcp
