// SPDX-License-Identifier: Apache-2.0
// A bounded queue of small values from one thread to one other. No lock and no read-modify-write: each side
// writes its own index. Header only; knows nothing of what it carries.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/lines.h"

namespace sluice::io {

template <class T>
class MessageRing {
  static_assert(std::is_trivially_copyable_v<T>, "values cross by copy");

 public:
  // Room for at least `room` values, rounded up to a power of two; taken now.
  explicit MessageRing(size_t room) : slots_(std::bit_ceil(room < 2 ? size_t{2} : room)) {}
  MessageRing(const MessageRing&) = delete;
  MessageRing& operator=(const MessageRing&) = delete;

  size_t capacity() const { return slots_.size(); }

  // The producer: false when the ring is full; the value is the caller's to count as lost.
  bool push(const T& value) {
    const uint64_t tail = in_.index.load(std::memory_order_relaxed);
    if (tail - in_.other >= slots_.size()) {
      in_.other = out_.index.load(std::memory_order_acquire);
      if (tail - in_.other >= slots_.size()) return false;
    }
    slots_[tail & (slots_.size() - 1)] = value;
    in_.index.store(tail + 1, std::memory_order_release);
    return true;
  }

  // The consumer: false when there is nothing.
  bool pop(T& value) {
    const uint64_t head = out_.index.load(std::memory_order_relaxed);
    if (head == out_.other) {
      out_.other = in_.index.load(std::memory_order_acquire);
      if (head == out_.other) return false;
    }
    value = slots_[head & (slots_.size() - 1)];
    out_.index.store(head + 1, std::memory_order_release);
    return true;
  }

 private:
  // One side's line: its index, and what it last saw of the other's, so that the other's line is read only
  // when the ring looks full or empty.
  struct alignas(cache_line) Side {
    std::atomic<uint64_t> index{0};
    uint64_t other = 0;
  };
  static_assert(owns_its_lines<Side>, "neither side writes what the other does");
  Side in_, out_;
  LineVector<T> slots_;  // written by the producer
};

static_assert(owns_its_lines<MessageRing<int>>);

}  // namespace sluice::io
