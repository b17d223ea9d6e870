// SPDX-License-Identifier: Apache-2.0
#include "io/steered_port.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_ring.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace sluice::io {

using buf::Batch;
using buf::Packet;

namespace {

// A ring lies in DPDK's memory, at the beginning of a line. The producer writes `prod` and the slots behind
// the ring, the consumer `cons`.
static_assert(cache_line % RTE_CACHE_LINE_SIZE == 0);
static_assert(in_different_lines(offsetof(rte_ring, prod), offsetof(rte_ring, cons)));
static_assert(in_different_lines(offsetof(rte_ring, cons) + sizeof(rte_ring::cons) - 1, sizeof(rte_ring)));
static_assert(in_different_lines(offsetof(rte_ring, mask), offsetof(rte_ring, prod)), "both sides read it");

// Packets whose hash by the device must equal ours before it is believed.
constexpr uint16_t tests_wanted = 256;
// A device that tells no hash: entries of its table that must have brought a packet to the right queue. With
// two queues one is right by luck every second time, sixteen are in one of 65,536 tables.
constexpr size_t entries_wanted = 16;

// A chain that some other owner still refers to, or whose bytes are a chunk's: their counts belong to the
// worker that made it.
bool shared(const rte_mbuf* m) {
  for (; m != nullptr; m = m->next)
    if (!RTE_MBUF_DIRECT(m) || rte_mbuf_refcnt_read(m) != 1) return true;
  return false;
}

}  // namespace

Exchange::Exchange(uint16_t index, size_t workers, size_t queues, uint32_t packets)
    : workers_{workers}, queues_{queues}, received_(workers * workers), sending_(workers * workers) {
  // A ring of n slots holds n - 1 in DPDK's plain form; EXACT_SZ holds what was asked.
  constexpr unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ;
  const auto make = [&](const char* kind, size_t from, size_t to) {
    const std::string name =
        std::string{kind} + std::to_string(index) + "_" + std::to_string(from) + "_" + std::to_string(to);
    rte_ring* r = rte_ring_create(name.c_str(), packets, SOCKET_ID_ANY, flags);
    if (r == nullptr && error_.empty())
      error_ = "no memory for the rings between workers: " + std::string{rte_strerror(rte_errno)};
    return r;
  };
  for (size_t from = 0; from < workers; ++from) {
    for (size_t to = 0; to < workers; ++to) {
      if (from == to) continue;
      received_[from * workers + to] = make("rx", from, to);  // who has no queue has fragments to pass on
      if (from >= queues && to == from % queues) sending_[from * workers + to] = make("tx", from, to);
    }
  }
}

Exchange::~Exchange() {
  for (auto* rings : {&received_, &sending_}) {
    for (rte_ring* r : *rings) {
      void* m = nullptr;
      while (r != nullptr && rte_ring_sc_dequeue(r, &m) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(m));
      rte_ring_free(r);
    }
  }
}

SteeredPort::SteeredPort(const Parts& parts)
    : p_{parts},
      trust_{parts.device_steers ? Trust::Testing : Trust::Software},
      staged_(parts.exchange.workers_) {
  const Exchange& x = p_.exchange;
  for (size_t from = 0; from < x.workers_; ++from) {
    if (rte_ring* r = x.received_[from * x.workers_ + p_.worker]) inbound_.push_back(r);
    if (rte_ring* r = x.sending_[from * x.workers_ + p_.worker]) to_send_.push_back(r);
  }
}

SteeredPort::~SteeredPort() = default;

void SteeredPort::rx(Batch& in) {
  send_for_others();
  // Whichever comes first may fill the batch; they take turns, so neither starves the other.
  rings_first_ = !rings_first_;
  if (rings_first_) collect(in);
  if (p_.queue != nullptr && in.empty()) receive(in);
  if (!in.full()) collect(in);
}

void SteeredPort::receive(Batch& in) {
  Batch got;
  p_.queue->rx(got);
  for (Packet& p : got) {
    const size_t to = owner(p);
    if (to == p_.worker) {
      in.push(std::move(p));
      continue;
    }
    Staged& s = staged_[to];
    s.packets[s.count++] = p.release();
    ++moved_;
  }
  for (size_t to = 0; to < staged_.size(); ++to) {
    Staged& s = staged_[to];
    if (s.count == 0) continue;
    pass(p_.exchange.received_[p_.worker * staged_.size() + to], to, s.packets, s.count,
         Counter::io_handed_over, Counter::io_ring_full);
    s.count = 0;
  }
}

void SteeredPort::pass(rte_ring* ring, size_t to, rte_mbuf** packets, uint16_t count, Counter handed,
                       Counter full) {
  const unsigned taken =
      rte_ring_sp_enqueue_burst(ring, reinterpret_cast<void* const*>(packets), count, nullptr);
  if (taken != 0) {
    p_.count.add(handed, taken);
    p_.wakers[to]->wake();
  }
  if (taken == count) return;
  rte_pktmbuf_free_bulk(packets + taken, count - taken);
  p_.count.add(full, count - taken);
}

// Begins with another ring each time: one that is always full would starve those behind it.
void SteeredPort::collect(Batch& in) {
  const size_t n = inbound_.size();
  first_ring_ = first_ring_ + 1 < n ? first_ring_ + 1 : 0;
  for (size_t k = 0; k < n; ++k) {
    rte_ring* r = inbound_[first_ring_ + k < n ? first_ring_ + k : first_ring_ + k - n];
    void* got[buf::burst_size];
    const unsigned came = rte_ring_sc_dequeue_burst(r, got, static_cast<unsigned>(in.room()), nullptr);
    for (unsigned i = 0; i < came; ++i) in.push(Packet{static_cast<rte_mbuf*>(got[i])});
    if (in.full()) return;
  }
}

size_t SteeredPort::owner(const Packet& p) {
  const rte_mbuf* m = p.raw();
  const bool hashed = (m->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0;
  const Trust verdict = trust();
  if (verdict == Trust::Device && hashed) {
    // No device looks into an ICMP error; all else that it hashed, it hashed as we would.
    const Bytes b = p.bytes();
    const size_t ip = Steering::packet_at(b), ip4_proto = ip + 9, ip6_next = ip + 6;
    const auto plain = [&] {
      if (b.size() <= ip4_proto) return false;
      if (b[ip] >> 4 == 4) return b[ip4_proto] != static_cast<uint8_t>(IpProto::Icmp);
      // Nor behind a router alert, where MLD stands.
      return b[ip6_next] != static_cast<uint8_t>(IpProto::Icmp6) && b[ip6_next] != 0;
    };
    if (plain()) return owner_of_hash(m->hash.rss, p_.steering.workers());
  }
  const Steering::Hash own = p_.steering.hash(p.bytes());
  if (verdict == Trust::Testing && own.over_ports) hashed ? test_hash(m->hash.rss, own) : test_queue(own);
  return own.is_ip ? owner_of_hash(own.value, p_.steering.workers()) : 0;
}

void SteeredPort::test_hash(uint32_t device, const Steering::Hash& own) {
  if (device != own.value) {
    settle(Trust::Software);
    p_.count.add(Counter::io_rss_mismatch);
  } else if (++tested_ == tests_wanted) {
    settle(Trust::Device);
  }
}

void SteeredPort::test_queue(const Steering::Hash& own) {
  const size_t queues = p_.exchange.queues_;
  if (owner_of_hash(own.value, queues) != p_.worker) {
    settle(Trust::Software);
    p_.count.add(Counter::io_rss_mismatch);
    return;
  }
  proven_.set(own.value % reta_size);
  if (proven_.count() >= std::min(entries_wanted, reta_size / queues)) settle(Trust::Queue);
}

bool SteeredPort::pass_on(Packet& p) {
  const size_t to =
      p.knows_flow() ? p_.steering.owner_of_fragment(p.l3(), p.flow_ports()) : p_.steering.owner(p.bytes());
  if (to == p_.worker) return false;
  rte_mbuf* m = p.release();
  pass(p_.exchange.received_[p_.worker * staged_.size() + to], to, &m, 1, Counter::io_handed_over,
       Counter::io_ring_full);
  return true;
}

bool SteeredPort::send_for_others() {
  bool any = false;
  for (rte_ring* r : to_send_) {
    void* got[buf::burst_size];
    const unsigned n = rte_ring_sc_dequeue_burst(r, got, buf::burst_size, nullptr);
    if (n == 0) continue;
    any = true;
    moved_ += n;
    Batch out;
    for (unsigned i = 0; i < n; ++i) out.push(Packet{static_cast<rte_mbuf*>(got[i])});
    p_.queue->tx(out);
  }
  return any;
}

void SteeredPort::tx(Batch& out) {
  if (p_.queue != nullptr) return p_.queue->tx(out);
  if (out.empty()) return;
  rte_mbuf* send[buf::burst_size];
  uint16_t n = 0;
  for (Packet& p : out) {
    if (!shared(p.raw())) {
      send[n++] = p.release();
    } else if (rte_mbuf* copy = rte_pktmbuf_copy(p.raw(), p_.pool.packets(), 0, UINT32_MAX)) {
      p_.count.add(Counter::io_flattened);
      send[n++] = copy;
    } else {
      p_.count.add(Counter::io_no_packet);
    }
  }
  out.clear();
  const size_t to = p_.worker % p_.exchange.queues_;
  if (n != 0)
    pass(p_.exchange.sending_[p_.worker * staged_.size() + to], to, send, n, Counter::io_sent_by_other,
         Counter::io_tx_ring_full);
}

}  // namespace sluice::io
