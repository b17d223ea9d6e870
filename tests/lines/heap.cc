// SPDX-License-Identifier: Apache-2.0
// `new` and `delete` as ever, and the recorder is told.
#include <cstdlib>
#include <new>

#include "lines/told.h"

namespace {

void* take(size_t size, size_t align, const void* where) {
  const size_t whole = (size + align - 1) / align * align;
  void* const p = align <= alignof(std::max_align_t) ? std::malloc(size) : std::aligned_alloc(align, whole);
  if (p == nullptr) std::abort();
  sluice::test::writes::took(p, size, align, where);
  return p;
}
void give(void* p) {
  if (p == nullptr) return;
  sluice::test::writes::gave(p);
  std::free(p);
}

}  // namespace

#define HERE __builtin_return_address(0)

void* operator new(size_t n) { return take(n, alignof(std::max_align_t), HERE); }
void* operator new[](size_t n) { return take(n, alignof(std::max_align_t), HERE); }
void* operator new(size_t n, std::align_val_t a) { return take(n, static_cast<size_t>(a), HERE); }
void* operator new[](size_t n, std::align_val_t a) { return take(n, static_cast<size_t>(a), HERE); }
void operator delete(void* p) noexcept { give(p); }
void operator delete[](void* p) noexcept { give(p); }
void operator delete(void* p, size_t) noexcept { give(p); }
void operator delete[](void* p, size_t) noexcept { give(p); }
void operator delete(void* p, std::align_val_t) noexcept { give(p); }
void operator delete[](void* p, std::align_val_t) noexcept { give(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { give(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { give(p); }
