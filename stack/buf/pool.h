// SPDX-License-Identifier: Apache-2.0
// Where packets and chunks come from. All memory is taken at start; running out is a null result that the
// caller counts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/lines.h"
#include "buf/chunk.h"
#include "buf/packet.h"

struct rte_mempool;

namespace sluice::buf {

// The mbuf pools of the process, shared by all workers (DPDK keeps a lock-free cache per lcore). Three kinds:
// packets with data room, bare headers that a Slice is attached to, and a few packets as long as a datagram
// can be.
class PacketPool {
 public:
  // Octets of data room in a packet, headroom included, unless told otherwise: an Ethernet frame of MTU 1500
  // and DPDK's default headroom.
  static constexpr uint16_t data_room = 2048 + 128;
  // The data room in which a whole frame of an MTU fits: headroom, Ethernet with two VLAN tags, rounded up.
  static constexpr uint16_t room_for(uint16_t mtu) {
    const int all = RTE_ALIGN_CEIL(RTE_PKTMBUF_HEADROOM + mtu + 22, 8);
    return all < data_room ? data_room : static_cast<uint16_t>(all);
  }

  // `packets`, `headers`: how many of each. `name` is unique in the process. `room`: octets of data room, for
  // larger MTUs: received frames must fit one packet. `large`: how many that hold any datagram. On failure
  // !ok() and error() says why.
  PacketPool(const std::string& name, uint32_t packets, uint32_t headers, uint16_t room = data_room,
             uint32_t large = 0);
  ~PacketPool();
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  bool ok() const {
    return packets_ != nullptr && headers_ != nullptr && (large_ != nullptr || large_size_ == 0);
  }
  const std::string& error() const { return error_; }

  // An empty packet with the default headroom, or an empty Packet when none is left.
  Packet alloc() { return Packet{rte_pktmbuf_alloc(packets_)}; }
  // An empty packet with room for `octets`: an ordinary one where that will do. A large one has the default
  // headroom, or less where the octets need it. An empty Packet when none is left or none is so large.
  Packet alloc_for(uint32_t octets);
  // Octets that an ordinary packet holds behind its headroom.
  uint32_t packet_octets() const { return packet_octets_; }
  // Appends the slice's bytes to the chain without copying them; takes the slice. False (slice untouched)
  // when no header is left. Packets so built must be freed by the calling worker: chunks count their
  // references without atomics.
  bool attach(Packet& to, Slice& slice);

  rte_mempool* packets() const { return packets_; }
  uint32_t packets_free() const;  // for metrics and tests; walks the lcore caches, slow
  uint32_t headers_free() const;
  uint32_t packets_size() const;
  uint32_t headers_size() const;
  uint32_t large_free() const;
  uint32_t large_size() const { return large_size_; }

 private:
  rte_mempool* packets_ = nullptr;
  rte_mempool* headers_ = nullptr;
  rte_mempool* large_ = nullptr;
  uint32_t packet_octets_, large_size_;
  std::string error_;
};

// Equal chunks of DMA-able memory, owned by one worker: what a service writes lies here until the peer has
// it.
class alignas(cache_line) ChunkPool {
 public:
  static constexpr uint32_t chunk_size = 2048;

  explicit ChunkPool(uint32_t count);
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // A chunk with refs 0, which goes back when its last Slice dies; null when none is left.
  Chunk* alloc();
  size_t free() const { return free_.size(); }
  size_t size() const { return chunks_.size(); }

 private:
  uint8_t* memory_ = nullptr;
  LineVector<Chunk> chunks_;
  LineVector<Chunk*> free_;  // never grows past its first capacity
};
static_assert(owns_its_lines<ChunkPool>);

// DMA-able memory for content that lives long, split into chunks none of which crosses a boundary of the
// NIC's mapping. Built by the control thread, read by all workers.
class ContentMemory {
 public:
  static constexpr uint32_t piece = 1u << 20;  // octets of all pieces but the last

  // Copies `content`; ok() is false when memory is short.
  explicit ContentMemory(Bytes content);
  ~ContentMemory();
  ContentMemory(const ContentMemory&) = delete;
  ContentMemory& operator=(const ContentMemory&) = delete;

  bool ok() const { return ok_; }
  // One Chunk per piece, for one worker. They stay valid as long as this object.
  LineVector<Chunk> chunks() const;

 private:
  std::vector<std::pair<uint8_t*, uint32_t>> pieces_;
  bool ok_ = true;
};

}  // namespace sluice::buf
