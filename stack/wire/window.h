// SPDX-License-Identifier: Apache-2.0
// A TCP window as it stands in the header, and what it means: RFC 7323 §2.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace sluice {

// 0 to 14 (RFC 7323 §2.3); what a peer says beyond is taken as 14.
struct WindowShift {
  uint8_t v = 0;
  static constexpr uint8_t most = 14;
  friend constexpr bool operator==(WindowShift, WindowShift) = default;
};

// The header's field, not scaled.
struct RawWindow {
  uint16_t v = 0;

  static constexpr size_t wire_size = 2;
  static constexpr RawWindow load(const uint8_t* p) { return {load_be<uint16_t>(p)}; }
  constexpr void store(uint8_t* p) const { store_be<uint16_t>(p, v); }

  friend constexpr bool operator==(RawWindow, RawWindow) = default;
};

// Octets the raw window stands for.
constexpr uint32_t operator<<(RawWindow w, WindowShift s) { return static_cast<uint32_t>(w.v) << s.v; }

// The smallest raw window that stands for at least `octets`, so that an edge once advertised is not taken
// back by rounding (RFC 7323 §2.4); 65535 when none is large enough.
constexpr RawWindow raw_window(uint32_t octets, WindowShift s) {
  const uint64_t up = (static_cast<uint64_t>(octets) + (1u << s.v) - 1) >> s.v;
  return {static_cast<uint16_t>(std::min<uint64_t>(up, 0xffff))};
}
// The smallest shift with which `octets` can be advertised.
constexpr WindowShift shift_for(uint32_t octets) {
  WindowShift s;
  while (s.v < WindowShift::most && (octets >> s.v) > 0xffff) ++s.v;
  return s;
}

static_assert(shift_for(65535).v == 0 && shift_for(65536).v == 1 && shift_for(UINT32_MAX).v == 14);
static_assert((raw_window(65537, WindowShift{1}) << WindowShift{1}) == 65538);

}  // namespace sluice
