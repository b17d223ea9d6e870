// SPDX-License-Identifier: Apache-2.0
// Vectors that are large and read at random: asked for in huge pages, so that a look costs a miss of the
// cache and not one of the address translation too. Where the kernel has none, it is memory like any other.
// They come from the kernel and not from the heap: what a heap gives may have been in use before, in small
// pages, and stays so. (Of a million names' index, 94 MB were in huge pages at once, 127 MB half a minute
// later.)
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "base/lines.h"
#include "base/sanitized.h"

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
    if (octets < page) return LineAllocator<T>{}.allocate(n);
    // A sanitizer sees the ends of what the heap gave, and of nothing else.
    if constexpr (sanitized) return static_cast<T*>(::operator new(octets, std::align_val_t{page}));
    const size_t whole = whole_pages(octets);
    void* const got = mmap(nullptr, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) throw std::bad_alloc{};
    const auto first = reinterpret_cast<uintptr_t>(got), at = (first + page - 1) / page * page;
    if (at != first) munmap(got, at - first);
    if (at != first + page) munmap(reinterpret_cast<void*>(at + whole), first + page - at);
    void* const p = reinterpret_cast<void*>(at);
    madvise(p, whole, MADV_HUGEPAGE);  // a wish: refused, everything is as it was
    return static_cast<T*>(p);
  }
  void deallocate(T* p, size_t n) {
    const size_t octets = n * sizeof(T);
    if (octets < page)
      LineAllocator<T>{}.deallocate(p, n);
    else if constexpr (sanitized)
      ::operator delete(p, std::align_val_t{page});
    else
      munmap(p, whole_pages(octets));
  }

  template <class U>
  friend bool operator==(const HugeAllocator&, const HugeAllocator<U>&) {
    return true;
  }

 private:
  static size_t whole_pages(size_t octets) { return (octets + page - 1) / page * page; }
};

template <class T>
using HugeVector = std::vector<T, HugeAllocator<T>>;

}  // namespace sluice
