// SPDX-License-Identifier: Apache-2.0
// What a worker's rooms hold at the moment, for metrics: at rest all of it must come down again.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/lines.h"
#include "buf/byte_queue.h"
#include "buf/pool.h"
#include "stack.h"

namespace sluice::app {

// Written by the worker once a second and before it rests, read by any thread.
struct alignas(cache_line) Holdings {
  using Value = std::atomic<uint32_t>;
  Value timers = 0;        // armed, of TCP's connections and handshakes
  Value in_flight = 0;     // connections with text sent and not acknowledged
  Value out_of_order = 0;  // connections with text behind a hole
  Value neighbours = 0;    // in any state of RFC 4861 §7.3.2, ARP's too
  Value slices = 0;        // in queues of streams
  Value chunks = 0;        // that slices of what services wrote lie in

  void look(const Stack& stack, const buf::LinkPool& links, const buf::ChunkPool& pool) {
    const auto put = [](Value& v, size_t n) { v.store(static_cast<uint32_t>(n), std::memory_order_relaxed); };
    const tcp::Tcp::Held held = stack.tcp().held();
    put(timers, held.timers);
    put(in_flight, held.in_flight);
    put(out_of_order, held.out_of_order);
    put(neighbours, stack.link().neighbours().size());
    put(slices, links.size() - links.free());
    put(chunks, pool.size() - pool.free());
  }
};
static_assert(owns_its_lines<Holdings>);

}  // namespace sluice::app
