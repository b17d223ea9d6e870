// SPDX-License-Identifier: Apache-2.0
// Asks for memory that will be read soon. Any address will do: one that is not ours costs nothing.
#pragma once

namespace sluice {

inline void prefetch(const void* p) {
  __builtin_prefetch(p);
  // GCC 12 takes a function that only prefetches for one without effect, and drops calls of it that it has
  // not inlined: so the node of a DNS name was never asked for.
  asm volatile("");
}

}  // namespace sluice
