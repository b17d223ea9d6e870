// SPDX-License-Identifier: Apache-2.0
// The neighbour table: address on a port -> MAC, the state of each entry, and the packets that wait for it.
// The states follow RFC 4861 §7.3.2 in spirit. Bounded, all memory taken at start. Knows no ARP, sends
// nothing.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "base/counters.h"
#include "base/instant.h"
#include "base/lines.h"
#include "base/siphash.h"
#include "buf/transmit.h"
#include "link/options.h"
#include "wire/mac.h"

namespace sluice::link {

enum class NeighbourState : uint8_t {
  Incomplete,  // asked by broadcast, MAC unknown; packets wait
  Passive,     // learned from a request to us; first to go when the table is full
  Known,       // answered a request of ours
  Verifying,   // MAC in use while a unicast request asks whether it still holds
  Static,      // said by the user: never asked, never changed, never forgotten
};
constexpr size_t neighbour_states = 5;

struct Neighbour {
  static constexpr uint32_t none = UINT32_MAX;

  IpAddr addr;
  uint16_t port = 0;
  NeighbourState state = NeighbourState::Incomplete;
  bool in_use = false;
  uint8_t tries = 0;      // requests sent since the last answer
  bool unproven = false;  // to be verified when next used
  Mac mac;
  uint16_t waiting = 0;  // packets in the queue
  // Incomplete, Verifying: when to ask again. Known, Passive: until when the answer is believed. Static: for
  // ever.
  Instant at;

  bool has_mac() const { return state != NeighbourState::Incomplete; }

 private:
  friend class Neighbours;
  struct Place {
    uint32_t before = none, after = none;
  };
  uint32_t chain = none;  // next in the hash bucket, or in the free list
  Place place;            // in the list of its state
  Place place_on_port;    // in the list of its state and port
  uint32_t first_waiting = none, last_waiting = none;
};

class Neighbours {
 public:
  Neighbours(const Options&, SipKey, Counters&);

  // From here on ports are numbered below n, which never becomes less.
  void ports(size_t n) { on_ports_.resize(n); }
  Neighbour* find(uint16_t port, const IpAddr& addr);
  const Neighbour* find(uint16_t port, const IpAddr& addr) const {
    return const_cast<Neighbours*>(this)->find(port, addr);
  }
  // A new entry of a port that there is, Incomplete with `at` = now. The caller knows that there is none.
  // When the table is full, or the port has as many as it may, makes room at the cost of, in this order and
  // among all or those of the port: the oldest passive entry, the oldest incomplete one that has been asked
  // for twice, the oldest known one that has been stale. Null (counted) when all are worth more than a
  // newcomer; of one that the user vouches for nobody else is worth more, and only his like can leave him no
  // room. Packets that waited for the evicted fail.
  enum class Newcomer : uint8_t { Learned, Static };
  Neighbour* make(uint16_t port, const IpAddr& addr, Instant now, Newcomer = Newcomer::Learned);
  // Puts the entry at the end of its new state's list. Within a state, `at` must not decrease.
  void enter(Neighbour&, NeighbourState, Instant at);
  // Packets that wait for it fail.
  void remove(Neighbour&);
  // Removes all that `which` accepts. Looks at every entry: for changes of the configuration.
  template <class F>
  void remove_if(F&& which) {
    for (Neighbour& n : entries_)
      if (n.in_use && which(std::as_const(n))) remove(n);
  }

  // The entry of this state whose `at` is the earliest; null: none.
  Neighbour* oldest(NeighbourState);
  const Neighbour* oldest(NeighbourState) const;

  // Queues the packet; the oldest one in the entry's queue gives way when there is no room.
  void wait(Neighbour&, buf::Egress&&);
  // Takes the packet that has waited longest; false when none is left.
  bool take_waiting(Neighbour&, buf::Egress& out);
  // Moves packets whose next hop turned out to be unreachable to `out` as long as there is room.
  void take_failed(buf::Egresses& out);

  size_t size() const { return size_; }
  size_t size(NeighbourState s) const { return lists_[static_cast<size_t>(s)].size; }
  size_t size_on(uint16_t port) const {
    size_t n = 0;
    if (port < on_ports_.size())
      for (const List& l : on_ports_[port]) n += l.size;
    return n;
  }

 private:
  struct List {
    uint32_t head = Neighbour::none, tail = Neighbour::none;
    size_t size = 0;
  };
  struct Waiter {
    buf::Egress egress;
    uint32_t next = Neighbour::none;
  };

  uint32_t bucket(uint16_t port, const IpAddr& addr) const;
  uint32_t index(const Neighbour& n) const { return static_cast<uint32_t>(&n - entries_.data()); }
  using Lists = std::array<List, neighbour_states>;  // [state]
  static List& list(Lists& of, NeighbourState s) { return of[static_cast<size_t>(s)]; }
  void unlink(List&, uint32_t entry, Neighbour::Place Neighbour::* which);
  void append(List&, uint32_t entry, Neighbour::Place Neighbour::* which);
  void unlink(Neighbour&);
  void append(Neighbour&, NeighbourState);
  void unchain(Neighbour&);
  bool make_room(Lists& among, Instant now, Newcomer);
  uint32_t pop_waiter(Neighbour&);
  void drop_oldest_waiter(Neighbour&);

  const Options& options_;
  SipKey key_;
  Counters& count_;
  LineVector<Neighbour> entries_;
  LineVector<uint32_t> buckets_;  // a power of two of them
  uint32_t free_ = Neighbour::none;
  size_t size_ = 0;
  Lists lists_;
  LineVector<Lists> on_ports_;  // [port]

  LineVector<Waiter> waiters_;
  uint32_t free_waiter_ = Neighbour::none;
  uint32_t failed_head_ = Neighbour::none, failed_tail_ = Neighbour::none;
};

}  // namespace sluice::link
