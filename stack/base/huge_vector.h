// SPDX-License-Identifier: Apache-2.0
// Vectors that are large and read at random: asked for in huge pages, so that a look costs a miss of the
// cache and not one of the address translation too. Where the kernel has none, it is memory like any other.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <vector>

namespace sluice {

template <class T>
struct HugeAllocator {
  using value_type = T;
  static constexpr size_t page = size_t{2} << 20;

  HugeAllocator() = default;
  template <class U>
  HugeAllocator(const HugeAllocator<U>&) {}

  T* allocate(size_t n) {
    const size_t octets = n * sizeof(T);
    if (octets < page) return static_cast<T*>(::operator new(octets));
    const size_t whole = (octets + page - 1) / page * page;
    void* const p = ::operator new(whole, std::align_val_t{page});
    madvise(p, whole, MADV_HUGEPAGE);  // a wish: refused, everything is as it was
    return static_cast<T*>(p);
  }
  void deallocate(T* p, size_t n) {
    if (n * sizeof(T) < page)
      ::operator delete(p);
    else
      ::operator delete(p, std::align_val_t{page});
  }

  template <class U>
  friend bool operator==(const HugeAllocator&, const HugeAllocator<U>&) {
    return true;
  }
};

template <class T>
using HugeVector = std::vector<T, HugeAllocator<T>>;

}  // namespace sluice
