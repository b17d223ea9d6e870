// SPDX-License-Identifier: Apache-2.0
// A port as one of several workers sees it: whatever queue a packet came by, it reaches the worker that owns
// its flow; whatever worker sends, it leaves by a queue. Knows flows only through Steering.
#pragma once

#include <atomic>
#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/counters.h"
#include "base/lines.h"
#include "buf/pool.h"
#include "buf/port.h"
#include "io/steering.h"
#include "io/waker.h"

struct rte_ring;

namespace sluice::io {

// The rings between the workers of one port, each with one producer and one consumer. Built by the control
// thread, outlives the ports.
class Exchange {
 public:
  // Workers 0 to queues - 1 have a queue of the device each; 1 <= queues <= workers. `packets`: a ring's
  // room, rounded up to a power of two. `index` is the port's number, unique in the process.
  Exchange(uint16_t index, size_t workers, size_t queues, uint32_t packets);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }

 private:
  friend class SteeredPort;
  size_t workers_, queues_;
  std::vector<rte_ring*> received_;  // [from * workers + to], null where nothing goes
  std::vector<rte_ring*> sending_;   // the same, for what `to` is to send
  std::string error_;
};

class alignas(cache_line) SteeredPort final : public buf::NetPort {
 public:
  // What the port of worker `worker` is made of; all outlive it.
  struct Parts {
    size_t worker = 0;
    buf::NetPort* queue = nullptr;  // the worker's own; null when it has none
    bool device_steers = false;     // DeviceInfo::rss: received hashes may be trusted once proven
    Exchange& exchange;
    const Steering& steering;
    std::span<Waker* const> wakers;  // one per worker
    buf::PacketPool& pool;
    Counters& count;
  };
  explicit SteeredPort(const Parts& parts);
  ~SteeredPort() override;

  // Also sends what other workers handed over, so a worker with a queue must call it in every turn.
  void rx(buf::Batch& in) override;
  // A worker without a queue hands the packets to one that has; packets with attached slices are copied.
  void tx(buf::Batch& out) override;

  bool pass_on(buf::Packet&) override;

  // Sends what other workers handed over, at most a burst from each; rx() does it too. False: there was
  // nothing.
  bool send_for_others();

  // Packets moved for other workers since the last call: handed to their owners, or sent for those that have
  // no queue. They appear in no batch, and yet the turn found work: who rests all the same may sleep in front
  // of a queue that is not empty.
  size_t take_moved() { return std::exchange(moved_, size_t{0}); }

  // What became of the comparison of the device's steering with ours. Any thread may ask.
  enum class Trust : uint8_t {
    Software,  // it does not steer, or was found to steer otherwise: we hash, and hand over
    Testing,   // not enough flows yet
    Queue,     // it tells no hash (virtio), but brought each flow to its owner's queue: we hash, nothing is
               // handed over
    Device     // its hashes are ours: they are taken for them
  };
  Trust trust() const { return trust_.load(std::memory_order_relaxed); }

 private:
  struct Staged {
    uint16_t count = 0;
    rte_mbuf* packets[buf::burst_size];
  };
  void receive(buf::Batch& in);
  void collect(buf::Batch& in);
  size_t owner(const buf::Packet& p);
  void test_hash(uint32_t device, const Steering::Hash& own);
  void test_queue(const Steering::Hash& own);
  void settle(Trust verdict) { trust_.store(verdict, std::memory_order_relaxed); }
  void pass(rte_ring* ring, size_t to, rte_mbuf** packets, uint16_t count, Counter handed, Counter full);

  Parts p_;
  std::atomic<Trust> trust_;
  uint16_t tested_ = 0;
  std::bitset<reta_size> proven_;  // entries of the table by which a packet came to the right queue
  size_t moved_ = 0;
  bool rings_first_ = false;
  size_t first_ring_ = 0;
  LineVector<Staged> staged_;       // per worker
  std::vector<rte_ring*> inbound_;  // received packets for us
  std::vector<rte_ring*> to_send_;  // packets we are to send
};
static_assert(owns_its_lines<SteeredPort>);

}  // namespace sluice::io
