// SPDX-License-Identifier: Apache-2.0
// A device with several queues and no driver: the test puts frames into queues and takes what was sent. What
// a driver does for a worker, taking packets from the pool and giving them back, is the worker's; the rest is
// nobody's.
#pragma once

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "buf/pool.h"
#include "buf/port.h"
#include "lines/writes.h"
#include "support/frames.h"

namespace sluice::test {

class ManyQueues {
 public:
  ManyQueues(buf::PacketPool& pool, size_t queues) {
    for (size_t q = 0; q < queues; ++q) queues_.push_back(std::make_unique<Queue>(pool));
  }
  buf::NetPort* queue(size_t q) { return q < queues_.size() ? queues_[q].get() : nullptr; }
  // By one queue after the other, whoever owns the flow.
  void arrive(Octets frame) { queues_[next_++ % queues_.size()]->arrived.push_back(std::move(frame)); }
  std::deque<Octets> take_sent() {
    std::deque<Octets> all;
    for (auto& q : queues_) {
      for (Octets& f : q->sent) all.push_back(std::move(f));
      q->sent.clear();
    }
    return all;
  }

 private:
  struct Queue final : buf::NetPort {
    explicit Queue(buf::PacketPool& p) : pool{p} {}
    void rx(buf::Batch& in) override {
      while (!in.full()) {
        buf::Packet p;
        if (!arrived.empty()) p = pool.alloc();
        const writes::Aside harness;
        if (!p) return;
        const Octets& frame = arrived.front();
        std::copy(frame.begin(), frame.end(), p.append(static_cast<uint16_t>(frame.size())));
        arrived.pop_front();
        in.push(std::move(p));
      }
    }
    void tx(buf::Batch& out) override {
      {
        const writes::Aside harness;
        for (const buf::Packet& p : out) {
          Octets& frame = sent.emplace_back();
          p.for_each_segment([&](Bytes b) { frame.insert(frame.end(), b.begin(), b.end()); });
        }
      }
      out.clear();
    }
    buf::PacketPool& pool;
    std::deque<Octets> arrived, sent;
  };

  std::vector<std::unique_ptr<Queue>> queues_;
  size_t next_ = 0;
};

}  // namespace sluice::test
