// SPDX-License-Identifier: Apache-2.0
// A bad line in front of a port, to rehearse on: loses, duplicates, reorders, corrupts, delays and limits
// what passes, in both directions, by a seed. Knows bytes, not protocols. The stack must not leave checksums
// to a device behind it: they would be right again after the damage.
#pragma once

#include <cstdint>
#include <vector>

#include "base/counters.h"
#include "base/instant.h"
#include "base/lines.h"
#include "base/rng.h"
#include "buf/pool.h"
#include "buf/port.h"
#include "io/options.h"

namespace sluice::io {

// One direction. What happens to a packet, in this order: it is lost; it meets a full line and is lost; one
// bit is flipped; it waits for its turn at the line's rate; then for the delay and the jitter; and it is
// delivered twice, its twin right behind it. Packets leave in the order they came but for those that
// `reorder` chose, which leave reorder_hold later than they would have. Jitter alone never reorders.
class ImpairedLine {
 public:
  // Long enough for the packets right behind to pass, shorter than any retransmission timeout.
  static constexpr Duration reorder_hold = Duration::from_ms(2);

  ImpairedLine(const ImpairOptions& options, uint64_t seed, buf::PacketPool& pool, Counters& count);

  void take(buf::Packet&& packet, Instant now);
  // Moves to `out`, as far as there is room, what is due.
  void release(buf::Batch& out, Instant now);
  Instant deadline() const { return held_.empty() ? Instant::never() : held_.front().due; }
  size_t held() const { return held_.size(); }

 private:
  struct Held {
    Instant due;
    uint64_t number = 0;  // breaks ties: first in, first out
    buf::Packet packet;
  };
  static bool later(const Held& a, const Held& b) {
    return a.due != b.due ? a.due > b.due : a.number > b.number;
  }
  bool corrupt(buf::Packet& packet, uint64_t bit);
  void hold(buf::Packet&& packet, Instant due);
  Instant departure(uint32_t octets, Instant now);

  ImpairOptions o_;
  Rng rng_;
  buf::PacketPool& pool_;
  Counters& count_;
  LineVector<Held> held_;  // a heap, the earliest in front; never grows past its first capacity
  uint64_t number_ = 0;
  Instant line_free_, last_due_;
};

class alignas(cache_line) ImpairedPort final : public buf::NetPort {
 public:
  using Clock = Instant (*)();

  // In front of `under`, one queue of a port: a rate is that of each queue. io::now is the clock of an
  // appliance; tests bring their own. All arguments outlive the port.
  ImpairedPort(buf::NetPort& under, const ImpairOptions& options, Clock clock, buf::PacketPool& pool,
               Counters& count);

  // Also sends what has become due, so it is to be called in every turn.
  void rx(buf::Batch& in) override;
  void tx(buf::Batch& out) override;

  // When the next held packet is due: a worker must not sleep past it.
  Instant deadline() const;

 private:
  void send_due(Instant now);

  buf::NetPort& under_;
  Clock clock_;
  ImpairedLine in_, out_;
};

static_assert(owns_its_lines<ImpairedPort>);

}  // namespace sluice::io
