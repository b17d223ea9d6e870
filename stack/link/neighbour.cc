// SPDX-License-Identifier: Apache-2.0
#include "link/neighbour.h"

#include <bit>
#include <utility>

namespace sluice::link {
namespace {
constexpr uint32_t none = Neighbour::none;
}

Neighbours::Neighbours(const Options& options, SipKey key, Counters& count)
    : options_{options},
      key_{key},
      count_{count},
      entries_(options.neighbours),
      buckets_(std::bit_ceil(options.neighbours), none),
      waiters_(options.queue_total) {
  for (size_t i = entries_.size(); i-- > 0;)
    entries_[i].chain = std::exchange(free_, static_cast<uint32_t>(i));
  for (size_t i = waiters_.size(); i-- > 0;)
    waiters_[i].next = std::exchange(free_waiter_, static_cast<uint32_t>(i));
}

uint32_t Neighbours::bucket(uint16_t port, const IpAddr& addr) const {
  std::array<uint8_t, 24> in{};
  std::copy_n(addr.bytes().data(), 16, in.data());
  store_be<uint16_t>(in.data() + 16, port);
  return static_cast<uint32_t>(siphash13(key_, in)) & static_cast<uint32_t>(buckets_.size() - 1);
}

Neighbour* Neighbours::find(uint16_t port, const IpAddr& addr) {
  for (uint32_t i = buckets_[bucket(port, addr)]; i != none; i = entries_[i].chain)
    if (entries_[i].port == port && entries_[i].addr == addr) return &entries_[i];
  return nullptr;
}

Neighbour* Neighbours::make(uint16_t port, const IpAddr& addr, Instant now, Newcomer who) {
  if (size_on(port) >= options_.of_one_port() && !make_room(on_ports_[port], now, who)) {
    count_.add(Counter::neighbours_port_full);
    return nullptr;
  }
  if (free_ == none && !make_room(lists_, now, who)) {
    count_.add(Counter::neighbours_refused);
    return nullptr;
  }
  const uint32_t i = free_;
  Neighbour& n = entries_[i];
  free_ = n.chain;
  n = Neighbour{};
  n.addr = addr;
  n.port = port;
  n.in_use = true;
  n.at = now;
  n.chain = std::exchange(buckets_[bucket(port, addr)], i);
  append(n, NeighbourState::Incomplete);
  ++size_;
  count_.add(Counter::neighbours_made);
  return &n;
}

bool Neighbours::make_room(Lists& among, Instant now, Newcomer who) {
  const auto first = [&](NeighbourState s) {
    const uint32_t i = list(among, s).head;
    return i == none ? nullptr : &entries_[i];
  };
  Neighbour* victim = first(NeighbourState::Passive);
  if (victim == nullptr) {
    Neighbour* n = first(NeighbourState::Incomplete);
    if (n != nullptr && n->tries >= 2) victim = n;
  }
  if (victim == nullptr) {
    Neighbour* n = first(NeighbourState::Known);
    if (n != nullptr && n->at <= now) victim = n;
  }
  using enum NeighbourState;
  for (const NeighbourState s : {Incomplete, Known, Verifying})
    if (victim == nullptr && who == Newcomer::Static) victim = first(s);
  if (victim == nullptr) return false;
  count_.add(Counter::neighbours_evicted);
  remove(*victim);
  return true;
}

void Neighbours::enter(Neighbour& n, NeighbourState s, Instant at) {
  unlink(n);
  n.at = at;
  append(n, s);
}

void Neighbours::remove(Neighbour& n) {
  while (n.first_waiting != none) {
    const uint32_t w = pop_waiter(n);
    if (failed_tail_ != none)
      waiters_[failed_tail_].next = w;
    else
      failed_head_ = w;
    failed_tail_ = w;
  }
  unlink(n);
  unchain(n);
  n.in_use = false;
  n.chain = std::exchange(free_, index(n));
  --size_;
  count_.add(Counter::neighbours_removed);
}

Neighbour* Neighbours::oldest(NeighbourState s) {
  const uint32_t i = list(lists_, s).head;
  return i == none ? nullptr : &entries_[i];
}

const Neighbour* Neighbours::oldest(NeighbourState s) const {
  const uint32_t i = lists_[static_cast<size_t>(s)].head;
  return i == none ? nullptr : &entries_[i];
}

void Neighbours::wait(Neighbour& n, buf::Egress&& egress) {
  if (n.waiting >= options_.queue_per_neighbour || (free_waiter_ == none && n.waiting > 0))
    drop_oldest_waiter(n);
  if (free_waiter_ == none) {
    count_.add(Counter::arp_queue_full);
    egress.packet = buf::Packet{};
    return;
  }
  const uint32_t w = free_waiter_;
  free_waiter_ = waiters_[w].next;
  waiters_[w] = Waiter{std::move(egress)};
  if (n.last_waiting != none)
    waiters_[n.last_waiting].next = w;
  else
    n.first_waiting = w;
  n.last_waiting = w;
  ++n.waiting;
}

bool Neighbours::take_waiting(Neighbour& n, buf::Egress& out) {
  if (n.first_waiting == none) return false;
  const uint32_t w = pop_waiter(n);
  out = std::move(waiters_[w].egress);
  waiters_[w].next = std::exchange(free_waiter_, w);
  return true;
}

void Neighbours::take_failed(buf::Egresses& out) {
  while (failed_head_ != none && !out.full()) {
    const uint32_t w = failed_head_;
    failed_head_ = waiters_[w].next;
    if (failed_head_ == none) failed_tail_ = none;
    out.push(std::move(waiters_[w].egress));
    waiters_[w].next = std::exchange(free_waiter_, w);
  }
}

// Takes the first waiter out of the entry's queue; its `next` is none.
uint32_t Neighbours::pop_waiter(Neighbour& n) {
  const uint32_t w = n.first_waiting;
  n.first_waiting = std::exchange(waiters_[w].next, none);
  if (n.first_waiting == none) n.last_waiting = none;
  --n.waiting;
  return w;
}

void Neighbours::drop_oldest_waiter(Neighbour& n) {
  const uint32_t w = pop_waiter(n);
  waiters_[w].egress = buf::Egress{};
  waiters_[w].next = std::exchange(free_waiter_, w);
  count_.add(Counter::arp_queue_full);
}

void Neighbours::unlink(List& l, uint32_t entry, Neighbour::Place Neighbour::* which) {
  Neighbour::Place& p = entries_[entry].*which;
  (p.before != none ? (entries_[p.before].*which).after : l.head) = p.after;
  (p.after != none ? (entries_[p.after].*which).before : l.tail) = p.before;
  p = {};
  --l.size;
}

void Neighbours::append(List& l, uint32_t entry, Neighbour::Place Neighbour::* which) {
  (entries_[entry].*which).before = l.tail;
  (l.tail != none ? (entries_[l.tail].*which).after : l.head) = entry;
  l.tail = entry;
  ++l.size;
}

void Neighbours::unlink(Neighbour& n) {
  unlink(list(lists_, n.state), index(n), &Neighbour::place);
  unlink(list(on_ports_[n.port], n.state), index(n), &Neighbour::place_on_port);
}

void Neighbours::append(Neighbour& n, NeighbourState s) {
  n.state = s;
  append(list(lists_, s), index(n), &Neighbour::place);
  append(list(on_ports_[n.port], s), index(n), &Neighbour::place_on_port);
}

void Neighbours::unchain(Neighbour& n) {
  uint32_t* at = &buckets_[bucket(n.port, n.addr)];
  while (*at != index(n)) at = &entries_[*at].chain;
  *at = n.chain;
}

}  // namespace sluice::link
