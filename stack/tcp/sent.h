// SPDX-License-Identifier: Apache-2.0
// What is remembered of a stretch that was sent and not yet acknowledged, and the pool of such records of one
// worker.
#pragma once

#include <cstdint>

#include "base/check.h"
#include "base/instant.h"
#include "base/lines.h"
#include "base/slab.h"
#include "wire/seq_num.h"

namespace sluice::tcp {

// A stretch of the sequence space that was sent at one moment; it begins where the one before it ends.
struct Sent {
  static constexpr uint8_t sacked = 1;  // the peer says that it has it
  static constexpr uint8_t lost = 2;    // deemed lost and not sent again yet
  static constexpr uint8_t again = 4;   // sent more than once
  static constexpr uint8_t dry = 8;     // after the service had left the path without text

  SeqNum end;
  uint32_t next;  // index, no_index at the end
  Instant sent;   // the last time
  // For the delivery rate: what had been delivered by then, since when, and when that in turn was sent.
  uint32_t delivered, delivered_us, first_sent_us;
  uint8_t flags;

  bool is(uint8_t flag) const { return (flags & flag) != 0; }
};
static_assert(sizeof(Sent) == 32);

// Bounded; taken at start, touched when used. The first record of a connection is always to be had, so none
// is kept from sending for good.
class SentPool {
 public:
  SentPool(uint32_t connections, uint32_t more)
      : capacity_{connections + more},
        connections_{connections},
        records_{LineAllocator<Sent>{}.allocate(capacity_)} {}
  ~SentPool() { LineAllocator<Sent>{}.deallocate(records_, capacity_); }
  SentPool(const SentPool&) = delete;
  SentPool& operator=(const SentPool&) = delete;

  Sent& operator[](uint32_t i) { return records_[i]; }
  const Sent& operator[](uint32_t i) const { return records_[i]; }
  uint32_t used() const { return used_; }

  // no_index when what is left is reserved for connections without one.
  uint32_t take(bool first) {
    if (!first && capacity_ - used_ <= connections_ - holders_) return no_index;
    if (first) ++holders_;
    ++used_;
    if (free_ == no_index) return touched_++;
    const uint32_t i = free_;
    free_ = records_[i].next;
    return i;
  }
  void give(uint32_t i, bool last) {
    if (last) --holders_;
    --used_;
    records_[i].next = free_;
    free_ = i;
  }

 private:
  uint32_t capacity_, connections_;
  uint32_t used_ = 0, holders_ = 0, touched_ = 0;
  uint32_t free_ = no_index;
  Sent* const records_;
};

}  // namespace sluice::tcp
