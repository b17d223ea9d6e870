// SPDX-License-Identifier: Apache-2.0
// Cache lines as the unit of ownership: what one worker writes shares no line with what another writes, or
// every store of the one would take the line out of the other's cache ("false sharing"). Types that a worker
// writes are aligned to a line, and assert it; memory of containers comes in whole lines.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

#include "base/sanitized.h"

namespace sluice {

// Octets. Not std::hardware_destructive_interference_size, which changes with -mtune (GCC warns of it in
// headers). On Arm what DPDK there is built for, which is the largest of its machines'.
#if defined(__aarch64__)
constexpr size_t cache_line = 128;
#else
constexpr size_t cache_line = 64;
#endif

constexpr size_t whole_lines(size_t octets) { return (octets + cache_line - 1) / cache_line * cache_line; }

// Objects of T, one by one and side by side, share no line with anything else, wherever they lie.
template <class T>
constexpr bool owns_its_lines = alignof(T) % cache_line == 0 && sizeof(T) % cache_line == 0;

// Two members of an object that owns its lines, by their offsets, are in different ones.
constexpr bool in_different_lines(size_t a, size_t b) { return a / cache_line != b / cache_line; }

// Memory that begins with a line and ends with one.
template <class T>
struct LineAllocator {
  using value_type = T;
  static_assert(alignof(T) <= cache_line);

  LineAllocator() = default;
  template <class U>
  LineAllocator(const LineAllocator<U>&) {}

  T* allocate(size_t n) {
    // A sanitizer is to see where the last of them ends.
    const size_t octets = sanitized ? n * sizeof(T) : whole_lines(n * sizeof(T));
    return static_cast<T*>(::operator new(octets, std::align_val_t{cache_line}));
  }
  void deallocate(T* p, size_t) { ::operator delete(p, std::align_val_t{cache_line}); }

  template <class U>
  friend bool operator==(const LineAllocator&, const LineAllocator<U>&) {
    return true;
  }
};

// For what a worker writes while packets pass.
template <class T>
using LineVector = std::vector<T, LineAllocator<T>>;

}  // namespace sluice
