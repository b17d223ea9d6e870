// SPDX-License-Identifier: Apache-2.0
#include "io/impaired_port.h"

#include <algorithm>

namespace sluice::io {

using buf::Batch;
using buf::Packet;

namespace {

// A packet of its own bytes, whatever the original's are attached to.
Packet deep_copy(const Packet& p, buf::PacketPool& pool) {
  return Packet{rte_pktmbuf_copy(p.raw(), pool.packets(), 0, UINT32_MAX)};
}

bool owns_its_bytes(const Packet& p) {
  for (const rte_mbuf* m = p.raw(); m != nullptr; m = m->next)
    if (!RTE_MBUF_DIRECT(m) || rte_mbuf_refcnt_read(m) != 1) return false;
  return true;
}

void flip(const Packet& p, uint64_t bit) {
  uint64_t octet = bit / 8;
  for (rte_mbuf* m = p.raw(); m != nullptr; m = m->next) {
    if (octet < m->data_len) {
      *rte_pktmbuf_mtod_offset(m, uint8_t*, octet) ^= static_cast<uint8_t>(1u << (bit % 8));
      return;
    }
    octet -= m->data_len;
  }
}

}  // namespace

ImpairedLine::ImpairedLine(const ImpairOptions& options, uint64_t seed, buf::PacketPool& pool,
                           Counters& count)
    : o_{options}, rng_{seed}, pool_{pool}, count_{count} {
  held_.reserve(o_.queue);
}

void ImpairedLine::take(Packet&& packet, Instant now) {
  // One draw per choice and packet, whatever the choices before were: changing one probability leaves the
  // other choices of the same seed alone.
  const bool lost = rng_.chance(o_.loss), twice = rng_.chance(o_.duplicate);
  const bool overtaken = rng_.chance(o_.reorder), damaged = rng_.chance(o_.corrupt);
  const uint64_t jitter = rng_.below(static_cast<uint64_t>(o_.jitter.ns) + 1);
  const uint64_t bit = rng_.below(uint64_t{packet.size()} * 8);
  Packet p = std::move(packet);
  if (lost) return count_.add(Counter::io_impair_lost);
  if (held_.size() >= o_.queue) return count_.add(Counter::io_impair_queue);
  if (damaged && corrupt(p, bit)) count_.add(Counter::io_impair_corrupted);

  Instant due = departure(p.size(), now) + o_.delay + Duration{static_cast<int64_t>(jitter)};
  if (overtaken) {
    due = std::max(due, last_due_) + reorder_hold;
    count_.add(Counter::io_impair_reordered);
  } else {
    due = last_due_ = std::max(due, last_due_);
  }
  Packet twin;
  if (twice && held_.size() + 1 < o_.queue) twin = deep_copy(p, pool_);
  hold(std::move(p), due);
  if (!twin) return;
  hold(std::move(twin), due);
  count_.add(Counter::io_impair_duplicated);
}

bool ImpairedLine::corrupt(Packet& p, uint64_t bit) {
  if (!owns_its_bytes(p)) {
    // The bytes are somebody's to send again: the line damages its copy, not the original.
    Packet own = deep_copy(p, pool_);
    if (!own) return false;
    p = std::move(own);
  }
  flip(p, bit);
  p.forget_rx_checksums();  // what the device below found was of other octets
  return true;
}

Instant ImpairedLine::departure(uint32_t octets, Instant now) {
  if (o_.rate == 0) return now;
  const auto takes =
      static_cast<int64_t>(static_cast<unsigned __int128>(octets) * 8 * 1'000'000'000 / o_.rate);
  line_free_ = std::max(line_free_, now) + Duration{takes};
  return line_free_;
}

void ImpairedLine::hold(Packet&& p, Instant due) {
  held_.push_back({due, number_++, std::move(p)});
  std::push_heap(held_.begin(), held_.end(), later);
}

void ImpairedLine::release(Batch& out, Instant now) {
  while (!out.full() && !held_.empty() && held_.front().due <= now) {
    std::pop_heap(held_.begin(), held_.end(), later);
    out.push(std::move(held_.back().packet));
    held_.pop_back();
  }
}

// The two directions draw from streams of their own.
ImpairedPort::ImpairedPort(buf::NetPort& under, const ImpairOptions& o, Clock clock, buf::PacketPool& pool,
                           Counters& count)
    : under_{under}, clock_{clock}, in_{o, o.seed, pool, count}, out_{o, ~o.seed, pool, count} {}

void ImpairedPort::rx(Batch& in) {
  const Instant now = clock_();
  send_due(now);
  Batch got;
  under_.rx(got);
  for (Packet& p : got) in_.take(std::move(p), now);
  in_.release(in, now);
}

void ImpairedPort::tx(Batch& out) {
  const Instant now = clock_();
  for (Packet& p : out) out_.take(std::move(p), now);
  out.clear();
  send_due(now);
}

void ImpairedPort::send_due(Instant now) {
  for (;;) {
    Batch due;
    out_.release(due, now);
    if (due.empty()) return;
    under_.tx(due);
  }
}

Instant ImpairedPort::deadline() const { return std::min(in_.deadline(), out_.deadline()); }

}  // namespace sluice::io
