// SPDX-License-Identifier: Apache-2.0
// A fixed pool of T, named by index and generation: a name outlives its object without ever meaning another
// one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/huge_vector.h"
#include "base/lines.h"

namespace sluice {

constexpr uint32_t no_index = UINT32_MAX;

// Memory is reserved at construction, but a place that was never used is never touched: a pool sized for the
// worst day costs address space, not pages.
template <class T>
class Slab {
 public:
  explicit Slab(uint32_t capacity) : capacity_{capacity}, generations_(capacity, 0) {
    check(capacity < no_index, "a slab's capacity leaves room for no_index");
    memory_ = HugeAllocator<T>{}.allocate(capacity);
    free_.reserve(capacity);
  }
  ~Slab() {
    for (uint32_t i = 0; i < touched_; ++i)
      if (alive(i)) std::destroy_at(memory_ + i);
    HugeAllocator<T>{}.deallocate(memory_, capacity_);
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  static constexpr size_t bytes_each = sizeof(T) + 2 * sizeof(uint32_t);  // of memory for each place

  uint32_t capacity() const { return capacity_; }
  uint32_t size() const { return touched_ - static_cast<uint32_t>(free_.size()); }
  uint32_t touched() const { return touched_; }  // no place from here on was ever used
  bool full() const { return size() == capacity_; }

  // Makes a T and returns its index; no_index when the slab is full.
  template <class... A>
  uint32_t take(A&&... args) {
    if (full()) return no_index;
    uint32_t i = touched_;
    if (free_.empty()) {
      ++touched_;
    } else {
      i = free_.back();
      free_.pop_back();
    }
    std::construct_at(memory_ + i, std::forward<A>(args)...);
    ++generations_[i];
    return i;
  }
  // Ends the T at `index`, which is alive.
  void give(uint32_t index) {
    check(alive(index), "what is given back was taken");
    std::destroy_at(memory_ + index);
    ++generations_[index];
    free_.push_back(index);
  }

  bool alive(uint32_t index) const { return index < touched_ && (generations_[index] & 1) != 0; }
  uint32_t generation(uint32_t index) const { return generations_[index]; }
  // `index` is alive.
  T& operator[](uint32_t index) { return memory_[index]; }
  const T& operator[](uint32_t index) const { return memory_[index]; }
  // Null when what the name meant is gone.
  T* find(uint32_t index, uint32_t generation) {
    return alive(index) && generations_[index] == generation ? memory_ + index : nullptr;
  }
  const T* find(uint32_t index, uint32_t generation) const {
    return alive(index) && generations_[index] == generation ? memory_ + index : nullptr;
  }

 private:
  uint32_t capacity_;
  uint32_t touched_ = 0;              // places used at least once
  LineVector<uint32_t> generations_;  // odd: alive
  LineVector<uint32_t> free_;         // never grows past its first capacity
  T* memory_;
};

}  // namespace sluice
