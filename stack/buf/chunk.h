// SPDX-License-Identifier: Apache-2.0
// Stream data without copies: a Chunk is a piece of memory the NIC can read, counted by the one worker that
// uses it; a Slice owns a part of a Chunk or of a received packet.
#pragma once

#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "buf/packet.h"

namespace sluice::buf {

// Refcounted without atomics: every reference lives on one worker. Memory that several workers serve (a
// cached file) has one Chunk per worker over the same bytes.
struct Chunk {
  uint8_t* data = nullptr;
  uint32_t size = 0;  // octets
  uint32_t refs = 0;
  uint64_t iova = 0;                  // what the NIC calls `data`
  void (*release)(Chunk&) = nullptr;  // called when refs falls to 0; null: nothing to do
  void* owner = nullptr;              // for release
};

// A refcounted part of a Chunk or of a received mbuf. Move-only: sharing is said with clone().
class Slice {
 public:
  Slice() = default;
  // A part of `chunk`, which lives at least until its release is called.
  Slice(Chunk& chunk, uint32_t offset, uint32_t length)
      : data_{chunk.data + offset}, length_{length}, owner_{reinterpret_cast<uintptr_t>(&chunk)} {
    ++chunk.refs;
  }
  // A part of the contiguous packet's data; takes the packet over.
  Slice(Packet&& packet, uint32_t offset, uint32_t length)
      : data_{packet.data() + offset},
        length_{length},
        owner_{reinterpret_cast<uintptr_t>(packet.release()) | is_mbuf} {}
  Slice(Slice&& o) noexcept
      : data_{o.data_}, length_{std::exchange(o.length_, 0)}, owner_{std::exchange(o.owner_, 0)} {}
  Slice& operator=(Slice&& o) noexcept {
    std::swap(data_, o.data_);
    std::swap(length_, o.length_);
    std::swap(owner_, o.owner_);
    return *this;
  }
  Slice(const Slice&) = delete;
  Slice& operator=(const Slice&) = delete;
  ~Slice() {
    if (owner_ != 0) drop();
  }

  Bytes bytes() const { return {data_, length_}; }
  uint32_t size() const { return length_; }
  bool empty() const { return length_ == 0; }
  void drop_front(uint32_t n) { data_ += n, length_ -= n; }  // n <= size()
  void truncate(uint32_t n) { length_ = n; }                 // n <= size()
  // Another owner of `length` octets from `offset`; offset + length <= size().
  Slice clone(uint32_t offset, uint32_t length) const;

  // Null when the owner is a received packet.
  Chunk* chunk() const { return (owner_ & is_mbuf) ? nullptr : reinterpret_cast<Chunk*>(owner_); }
  // Null when the owner is a Chunk.
  rte_mbuf* mbuf() const {
    return (owner_ & is_mbuf) ? reinterpret_cast<rte_mbuf*>(owner_ & ~is_mbuf) : nullptr;
  }

 private:
  static constexpr uintptr_t is_mbuf = 1;  // tag in owner_'s lowest bit
  void drop();

  const uint8_t* data_ = nullptr;
  uint32_t length_ = 0;
  uintptr_t owner_ = 0;
};

}  // namespace sluice::buf
