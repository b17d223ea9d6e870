// SPDX-License-Identifier: Apache-2.0
// What clang calls where it is asked for -fsanitize=thread: its names and arguments are those of
// compiler-rt/lib/tsan/rtl/tsan_interface.h and tsan_interface_atomic.h. Stores are told on, all else does
// what it says.
#include "lines/told.h"

#include <cstdint>
#include <cstring>

using sluice::test::writes::stored;

#define HERE __builtin_return_address(0)

// NOLINTBEGIN: the names are the compiler's
extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_read(void**) {}
void __tsan_vptr_update(void** p, void*) { stored(p, sizeof *p, HERE); }

#define SIZED(n)                                                  \
  void __tsan_read##n(void*) {}                                   \
  void __tsan_unaligned_read##n(void*) {}                         \
  void __tsan_write##n(void* p) { stored(p, n, HERE); }           \
  void __tsan_unaligned_write##n(void* p) { stored(p, n, HERE); } \
  void __tsan_read_write##n(void* p) { stored(p, n, HERE); }      \
  void __tsan_unaligned_read_write##n(void* p) { stored(p, n, HERE); }
SIZED(1)
SIZED(2)
SIZED(4)
SIZED(8)
SIZED(16)

void* __tsan_memcpy(void* to, const void* from, size_t n) {
  stored(to, n, HERE);
  return std::memcpy(to, from, n);
}
void* __tsan_memmove(void* to, const void* from, size_t n) {
  stored(to, n, HERE);
  return std::memmove(to, from, n);
}
void* __tsan_memset(void* to, int octet, size_t n) {
  stored(to, n, HERE);
  return std::memset(to, octet, n);
}

// Orders are taken as the strongest.
#define CHANGE(bits, type, what, builtin)                            \
  type __tsan_atomic##bits##_##what(volatile type* p, type v, int) { \
    stored(const_cast<type*>(p), sizeof v, HERE);                    \
    return builtin(p, v, __ATOMIC_SEQ_CST);                          \
  }
#define EXCHANGE(bits, type, what)                                                                   \
  int __tsan_atomic##bits##_compare_exchange_##what(volatile type* p, type* was, type v, int, int) { \
    stored(const_cast<type*>(p), sizeof v, HERE);                                                    \
    return __atomic_compare_exchange_n(p, was, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);        \
  }
#define ATOMIC(bits, type)                                                                        \
  type __tsan_atomic##bits##_load(const volatile type* p, int) {                                  \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                  \
  }                                                                                               \
  void __tsan_atomic##bits##_store(volatile type* p, type v, int) {                               \
    stored(const_cast<type*>(p), sizeof v, HERE);                                                 \
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                     \
  }                                                                                               \
  CHANGE(bits, type, exchange, __atomic_exchange_n)                                               \
  CHANGE(bits, type, fetch_add, __atomic_fetch_add)                                               \
  CHANGE(bits, type, fetch_sub, __atomic_fetch_sub)                                               \
  CHANGE(bits, type, fetch_and, __atomic_fetch_and)                                               \
  CHANGE(bits, type, fetch_or, __atomic_fetch_or)                                                 \
  CHANGE(bits, type, fetch_xor, __atomic_fetch_xor)                                               \
  EXCHANGE(bits, type, strong)                                                                    \
  EXCHANGE(bits, type, weak)                                                                      \
  type __tsan_atomic##bits##_compare_exchange_val(volatile type* p, type was, type v, int, int) { \
    stored(const_cast<type*>(p), sizeof v, HERE);                                                 \
    __atomic_compare_exchange_n(p, &was, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);           \
    return was;                                                                                   \
  }
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

}  // extern "C"
// NOLINTEND
