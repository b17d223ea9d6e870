// SPDX-License-Identifier: Apache-2.0
#include "buf/pool.h"

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_mempool.h>

#include <algorithm>
#include <cstring>

namespace sluice::buf {
namespace {

// What an attached mbuf keeps in its private area. The count in `info` is always 1, so that freeing never
// takes the atomic path; the sharing is counted in the Chunk.
struct Attachment {
  rte_mbuf_ext_shared_info info;
  Slice slice;
};
constexpr uint16_t attachment_size = RTE_ALIGN_CEIL(sizeof(Attachment), RTE_MBUF_PRIV_ALIGN);

void release_attachment(void*, void* attachment) { std::destroy_at(static_cast<Attachment*>(attachment)); }

uint64_t iova_of(const Slice& s) {
  if (const Chunk* c = s.chunk()) return c->iova + static_cast<uint64_t>(s.bytes().data() - c->data);
  const rte_mbuf* m = s.mbuf();
  return rte_mbuf_iova_get(m) + static_cast<uint64_t>(s.bytes().data() - static_cast<uint8_t*>(m->buf_addr));
}

constexpr unsigned cache_size = 256;  // mbufs per lcore cache
static_assert(owns_its_lines<rte_mempool_cache>, "one for each lcore, side by side");

}  // namespace

PacketPool::PacketPool(const std::string& name, uint32_t packets, uint32_t headers, uint16_t room,
                       uint32_t large)
    : packet_octets_{room - uint32_t{RTE_PKTMBUF_HEADROOM}}, large_size_{large} {
  packets_ =
      rte_pktmbuf_pool_create((name + "_packets").c_str(), packets, cache_size, 0, room, SOCKET_ID_ANY);
  if (packets_ != nullptr)
    headers_ = rte_pktmbuf_pool_create((name + "_headers").c_str(), headers, cache_size, attachment_size, 0,
                                       SOCKET_ID_ANY);
  // No caches: few are wanted, and none may lie idle with a worker.
  if (large != 0)
    large_ =
        rte_pktmbuf_pool_create((name + "_large").c_str(), large, 0, 0, Packet::large_room, SOCKET_ID_ANY);
  if (!ok()) error_ = std::string{"no memory for the packet pools: "} + rte_strerror(rte_errno);
}

PacketPool::~PacketPool() {
  rte_mempool_free(large_);
  rte_mempool_free(headers_);
  rte_mempool_free(packets_);
}

Packet PacketPool::alloc_for(uint32_t octets) {
  if (octets <= packet_octets_) return alloc();
  if (octets > Packet::large_room || large_ == nullptr) return {};
  rte_mbuf* m = rte_pktmbuf_alloc(large_);
  if (m != nullptr)
    m->data_off = static_cast<uint16_t>(std::min<uint32_t>(m->data_off, Packet::large_room - octets));
  return Packet{m};
}

bool PacketPool::attach(Packet& to, Slice& slice) {
  rte_mbuf* m = rte_pktmbuf_alloc(headers_);
  if (m == nullptr) return false;
  auto* a = std::construct_at(static_cast<Attachment*>(rte_mbuf_to_priv(m)),
                              Attachment{{&release_attachment, nullptr, 1}, std::move(slice)});
  a->info.fcb_opaque = a;
  const Bytes b = a->slice.bytes();
  rte_pktmbuf_attach_extbuf(m, const_cast<uint8_t*>(b.data()), iova_of(a->slice),
                            static_cast<uint16_t>(b.size()), &a->info);
  m->data_len = static_cast<uint16_t>(b.size());
  m->pkt_len = m->data_len;
  check(rte_pktmbuf_chain(to.raw(), m) == 0, "a chain of slices is short");
  return true;
}

uint32_t PacketPool::packets_free() const { return rte_mempool_avail_count(packets_); }
uint32_t PacketPool::headers_free() const { return rte_mempool_avail_count(headers_); }
uint32_t PacketPool::large_free() const { return large_ == nullptr ? 0 : rte_mempool_avail_count(large_); }
uint32_t PacketPool::packets_size() const { return packets_->size; }
uint32_t PacketPool::headers_size() const { return headers_->size; }

// Aligned to their size, chunks do not cross a page.
ChunkPool::ChunkPool(uint32_t count) {
  memory_ = static_cast<uint8_t*>(rte_malloc("chunks", static_cast<size_t>(count) * chunk_size, chunk_size));
  if (memory_ == nullptr) return;
  chunks_.resize(count);
  free_.reserve(count);
  for (uint32_t i = count; i-- > 0;) {
    Chunk& c = chunks_[i];
    c.data = memory_ + static_cast<size_t>(i) * chunk_size;
    c.size = chunk_size;
    c.iova = rte_mem_virt2iova(c.data);
    c.owner = this;
    c.release = [](Chunk& dead) { static_cast<ChunkPool*>(dead.owner)->free_.push_back(&dead); };
    free_.push_back(&c);
  }
}

ChunkPool::~ChunkPool() { rte_free(memory_); }

Chunk* ChunkPool::alloc() {
  if (free_.empty()) return nullptr;
  Chunk* c = free_.back();
  free_.pop_back();
  return c;
}

// A piece is aligned to its own size rounded up to a power of two, so it lies within one 2 MB page.
ContentMemory::ContentMemory(Bytes content) {
  for (size_t at = 0; at < content.size(); at += piece) {
    const auto length = static_cast<uint32_t>(std::min<size_t>(piece, content.size() - at));
    const uint32_t align = std::max<uint32_t>(RTE_CACHE_LINE_SIZE, rte_align32pow2(length));
    auto* p = static_cast<uint8_t*>(rte_malloc("content", length, align));
    if (p == nullptr) {
      ok_ = false;
      return;
    }
    std::memcpy(p, content.data() + at, length);
    pieces_.emplace_back(p, length);
  }
}

ContentMemory::~ContentMemory() {
  for (auto& [p, length] : pieces_) rte_free(p);
}

LineVector<Chunk> ContentMemory::chunks() const {
  LineVector<Chunk> chunks;
  chunks.reserve(pieces_.size());
  for (const auto& [p, length] : pieces_)
    chunks.push_back({.data = p, .size = length, .iova = rte_mem_virt2iova(p)});
  return chunks;
}

}  // namespace sluice::buf
