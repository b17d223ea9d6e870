// SPDX-License-Identifier: Apache-2.0
// A fuzzer's octets, read as numbers one after the other; zeros when there are no more.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace sluice::test {

struct FuzzInput {
  Bytes left;
  uint8_t u8() {
    if (left.empty()) return 0;
    const uint8_t b = left[0];
    left = left.subspan(1);
    return b;
  }
  uint16_t u16() {  // little end first
    const uint8_t low = u8();
    return static_cast<uint16_t>(low | u8() << 8);
  }
};

}  // namespace sluice::test
