// SPDX-License-Identifier: Apache-2.0
#include "app/worker.h"

#include <algorithm>

#include "io/clock.h"

namespace sluice::app {

// A full ring loses the message, which heals itself (link/message.h); so it need only hold what a burst can
// cause.
constexpr size_t gossip_room = 1024;

Gossip::Gossip(size_t workers) : workers_{workers} {
  for (size_t i = 0; i < workers * workers; ++i)
    rings_.push_back(std::make_unique<io::MessageRing<link::Message>>(gossip_room));
}

Worker::Worker(size_t index, uint64_t seed, io::IdleMode mode, Gossip& gossip, io::Quiescence& readers)
    : rng{seed},
      stages{io::ticks},
      idle{mode, waker, count},
      index_{index},
      gossip_{gossip},
      readers_{readers} {}

void Worker::run(const std::atomic<bool>& stop, std::atomic<size_t>& leaving) {
  readers_.enter(index_);
  while (!stop.load(std::memory_order_relaxed)) {
    const Instant now = io::now();  // the only clock read of a turn, while stages are not measured
    if (turn(now)) {
      readers_.between_bursts(index_);
      idle.rest(true, now, Instant::never());
    } else {
      readers_.leave(index_);  // the rest may be long
      holdings.look(*stack, *links, *chunks);
      idle.rest(false, now, deadline());
      readers_.enter(index_);
    }
  }
  stack->shut_down(io::now());
  readers_.leave(index_);
  leaving.fetch_sub(1, std::memory_order_release);
  while (leaving.load(std::memory_order_acquire) != 0) send_for_others();
  send_for_others();
}

bool Worker::turn(Instant now) {
  stages.turn();
  if (now >= next_second_) {
    stack->wall_clock(io::wall_seconds());
    holdings.look(*stack, *links, *chunks);
    next_second_ = now + 1_s;
  }
  if (const StackChange* c = change_.load(std::memory_order_acquire); c != nullptr) [[unlikely]] {
    stack->change(*c, now);
    change_.store(nullptr, std::memory_order_release);
  }
  bool heard = hear(now);
  heard |= inspection.answer(stack->tcp());
  bool worked = stack->poll(now) > 0;
  for (const auto& port : steered) worked |= port->take_moved() > 0;
  tell();
  count.add(Counter::worker_polls);
  return heard || worked;
}

void Worker::send_for_others() {
  for (const auto& port : steered)
    while (port->send_for_others()) {
    }
}

bool Worker::hear(Instant now) {
  bool heard = false;
  link::Message m;
  for (size_t from = 0; from < gossip_.workers(); ++from)
    while (from != index_ && gossip_.ring(from, index_).pop(m)) {
      stack->on_message(m, now);
      heard = true;
    }
  return heard;
}

void Worker::tell() {
  link::Messages messages;
  stack->take_messages(messages);
  for (const link::Message& m : messages)
    for (size_t to = 0; to < gossip_.workers(); ++to) {
      if (to == index_ || (m.to_writer() && to != 0)) continue;
      if (gossip_.ring(index_, to).push(m))
        siblings[to]->wake();
      else
        count.add(Counter::worker_gossip_lost);
    }
}

Instant Worker::deadline() const {
  Instant at = stack->deadline();
  for (const auto& port : impaired) at = std::min(at, port->deadline());
  return at;
}

}  // namespace sluice::app
