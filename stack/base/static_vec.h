// SPDX-License-Identifier: Apache-2.0
// A vector of at most N elements, stored in place, with no cost for the room it does not use.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "base/check.h"

namespace sluice {

template <class T, size_t N>
class StaticVec {
 public:
  StaticVec() {}  // NOLINT: storage stays uninitialised on purpose
  StaticVec(StaticVec&& o) noexcept {
    for (T& x : o) push(std::move(x));
    o.clear();
  }
  StaticVec& operator=(StaticVec&& o) noexcept {
    if (this == &o) return *this;
    clear();
    for (T& x : o) push(std::move(x));
    o.clear();
    return *this;
  }
  StaticVec(const StaticVec& o)
    requires std::is_copy_constructible_v<T>
  {
    for (const T& x : o) push(x);
  }
  StaticVec& operator=(const StaticVec& o)
    requires std::is_copy_constructible_v<T>
  {
    if (this == &o) return *this;
    clear();
    for (const T& x : o) push(x);
    return *this;
  }
  ~StaticVec() { clear(); }

  static constexpr size_t capacity() { return N; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == N; }
  size_t room() const { return N - size_; }

  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  T& back() { return data()[size_ - 1]; }
  T* data() { return reinterpret_cast<T*>(raw_); }
  const T* data() const { return reinterpret_cast<const T*>(raw_); }

  // The caller has made sure that there is room.
  template <class... A>
  T& push(A&&... a) {
    check(size_ < N, "StaticVec has room");
    return *std::construct_at(data() + size_++, std::forward<A>(a)...);
  }
  void pop() { std::destroy_at(data() + --size_); }
  void clear() {
    std::destroy(begin(), end());
    size_ = 0;
  }

 private:
  alignas(T) unsigned char raw_[N * sizeof(T)];
  size_t size_ = 0;
};

}  // namespace sluice
