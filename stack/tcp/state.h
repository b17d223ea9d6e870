// SPDX-License-Identifier: Apache-2.0
// The states of a connection: RFC 9293 §3.3.2; LISTEN has no connection.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::tcp {

enum class State : uint8_t {
  SynSent,
  SynReceived,
  Established,
  FinWait1,
  FinWait2,
  Closing,
  TimeWait,
  CloseWait,
  LastAck,
  Closed
};
constexpr size_t state_count = 10;
const char* name_of(State);

}  // namespace sluice::tcp
