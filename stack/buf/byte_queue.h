// SPDX-License-Identifier: Apache-2.0
// A stream of slices: what was received and not yet consumed, or what was written and not yet acknowledged.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/lines.h"
#include "buf/chunk.h"

namespace sluice::buf {

class ByteQueue;

// The links of all byte queues of one worker; bounded, taken at start.
class alignas(cache_line) LinkPool {
 public:
  explicit LinkPool(uint32_t count);
  size_t free() const { return free_count_; }
  size_t size() const { return links_.size(); }
  size_t packets() const { return packets_; }  // links whose slice keeps a received packet alive

 private:
  friend class ByteQueue;
  struct Link {
    Slice slice;
    Link* next = nullptr;
  };
  Link* take();
  void give(Link*);

  LineVector<Link> links_;
  Link* free_ = nullptr;
  size_t free_count_ = 0;
  size_t packets_ = 0;
};
static_assert(owns_its_lines<LinkPool>);

// First in, first out, by octets. Owns its slices; 32 bytes of its own. Not copyable; movable into an empty
// one.
class ByteQueue {
 public:
  explicit ByteQueue(LinkPool& pool) : pool_{&pool} {}
  ByteQueue(ByteQueue&& o) noexcept
      : pool_{o.pool_},
        head_{std::exchange(o.head_, nullptr)},
        tail_{std::exchange(o.tail_, nullptr)},
        size_{std::exchange(o.size_, 0)},
        slices_{std::exchange(o.slices_, 0)} {}
  ByteQueue& operator=(ByteQueue&& o) noexcept {
    clear();
    pool_ = o.pool_;
    head_ = std::exchange(o.head_, nullptr);
    tail_ = std::exchange(o.tail_, nullptr);
    size_ = std::exchange(o.size_, 0);
    slices_ = std::exchange(o.slices_, 0);
    return *this;
  }
  ~ByteQueue() {
    if (head_ != nullptr) clear();
  }

  size_t size() const { return size_; }
  uint32_t slices() const { return slices_; }  // how many pieces it holds; each keeps its owner alive
  bool empty() const { return size_ == 0; }
  // Takes the slice; false, and the slice untouched, when the pool of links is empty. An empty slice is
  // dropped at once.
  bool push(Slice&& slice);
  // The first octets, as many as lie together; empty when the queue is.
  Bytes front() const { return head_ == nullptr ? Bytes{} : head_->slice.bytes(); }
  // Forgets the first n octets; n <= size().
  void consume(size_t n);
  // Forgets what is behind the first n octets; n <= size().
  void truncate(size_t n);
  // Takes the first slice out; the queue is not empty.
  Slice pop();
  // Moves all of `o`, a queue of the same pool, to the end of this one, in O(1).
  void append(ByteQueue& o);
  // Copies octets from `offset` on into `out`; returns how many there were (at most out.size()).
  size_t copy(size_t offset, MutBytes out) const;
  // Octets in the first n pieces; in all of them, if there are fewer.
  size_t octets_of(uint32_t n) const;
  // Calls f(const Slice&, uint32_t offset_in_slice, uint32_t length) for the pieces of [offset, offset +
  // length).
  template <class F>
  void for_range(size_t offset, size_t length, F&& f) const {
    for (const auto* l = head_; l != nullptr && length != 0; l = l->next) {
      const size_t here = l->slice.size();
      if (offset >= here) {
        offset -= here;
        continue;
      }
      const auto n = static_cast<uint32_t>(here - offset < length ? here - offset : length);
      f(l->slice, static_cast<uint32_t>(offset), n);
      length -= n;
      offset = 0;
    }
  }
  void clear();

 private:
  LinkPool* pool_;
  LinkPool::Link* head_ = nullptr;
  LinkPool::Link* tail_ = nullptr;
  uint32_t size_ = 0;  // what one connection holds stays far below 4 GiB
  uint32_t slices_ = 0;
};
static_assert(sizeof(ByteQueue) <= 32);

}  // namespace sluice::buf
