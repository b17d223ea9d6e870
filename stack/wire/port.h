// SPDX-License-Identifier: Apache-2.0
// A transport port number (TCP, UDP). What a network card has is a buf::NetPort.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace sluice {

struct Port {
  uint16_t v = 0;

  static constexpr size_t wire_size = 2;
  static constexpr Port load(const uint8_t* p) { return {load_be<uint16_t>(p)}; }
  constexpr void store(uint8_t* p) const { store_be<uint16_t>(p, v); }

  friend constexpr auto operator<=>(Port, Port) = default;
};

}  // namespace sluice
