// SPDX-License-Identifier: Apache-2.0
// The arithmetic of templates: the sum of what stays is known, the words that change are added to it (RFC
// 1071).
#pragma once

#include <cstdint>

namespace sluice::load {

constexpr uint16_t fold(uint64_t sum) {
  sum = (sum & 0xffff'ffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}
constexpr uint16_t checksum(uint64_t sum) { return static_cast<uint16_t>(~fold(sum)); }
// The sum of the two words of 32 bits.
constexpr uint64_t words(uint32_t v) { return (v >> 16) + (v & 0xffff); }

static_assert(fold(0x1'0000) == 1 && fold(0xffff'ffff'ffff) == 0xffff && checksum(0xffff) == 0);

}  // namespace sluice::load
