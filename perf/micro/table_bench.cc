// SPDX-License-Identifier: Apache-2.0
// Flows found and not found, timers armed, cancelled and fired. Keys come in no order, so that a large table
// shows what memory costs; a burst's worth is prefetched ahead, as the rooms do, in the "ahead" rows.
#include <memory>
#include <vector>

#include "base/flow_table.h"
#include "base/rng.h"
#include "base/timer_wheel.h"
#include "perf/micro/cycles.h"
#include "wire/tuple.h"

namespace sluice::perf {
namespace {

constexpr SipKey key{1, 2};

Tuple flow(uint32_t i, bool there) {
  return {Ip4Addr{0x0a000000 + (i >> 4)},
          Ip4Addr::of(198, 18, 0, 1),
          {static_cast<uint16_t>(1024 + (i & 15))},
          {static_cast<uint16_t>(there ? 80 : 81)}};
}

struct Flows {
  explicit Flows(uint32_t n) : table{n} {
    tuples.reserve(n);
    for (uint32_t i = 0; i < n; ++i) {
      tuples.push_back(flow(i, true));
      table.insert(table_hash(key, tuples.back()), i);
    }
  }
  uint32_t find(const Tuple& t, uint64_t hash) const {
    return table.find(hash, [&](uint32_t i) { return tuples[i] == t; });
  }
  std::vector<Tuple> tuples;
  FlowTable table;
};

// One table at a time: ten million flows are half a gigabyte.
const Flows& flows(uint32_t n) {
  static std::unique_ptr<Flows> kept;
  if (!kept || kept->tuples.size() != n) kept.reset(), kept = std::make_unique<Flows>(n);
  return *kept;
}

void lookup(benchmark::State& state, bool there, bool ahead) {
  const auto n = static_cast<uint32_t>(state.range(0));
  const Flows& all = flows(n);
  Rng rng{3};
  constexpr size_t burst = 32;
  Tuple wanted[burst];
  uint64_t hashes[burst];
  Cycles cycles;
  for (auto _ : state) {
    for (Tuple& t : wanted) t = flow(static_cast<uint32_t>(rng.below(n)), there);
    cycles.start();
    uint32_t found = 0;
    for (size_t i = 0; i < burst; ++i) {
      hashes[i] = table_hash(key, wanted[i]);
      if (ahead)
        all.table.prefetch(hashes[i]);
      else
        found += all.find(wanted[i], hashes[i]) != no_index;
    }
    if (ahead)
      for (size_t i = 0; i < burst; ++i) found += all.find(wanted[i], hashes[i]) != no_index;
    cycles.stop();
    check(found == (there ? burst : 0), "what is there is found");
  }
  cycles.report(state, state.iterations() * burst);
}
void sizes(benchmark::internal::Benchmark* b) { b->Arg(1'000)->Arg(1'000'000)->Arg(10'000'000); }
BENCHMARK_CAPTURE(lookup, hit, true, false)->Name("flow/hit")->Apply(sizes);
BENCHMARK_CAPTURE(lookup, miss, false, false)->Name("flow/miss")->Apply(sizes);
BENCHMARK_CAPTURE(lookup, hit_ahead, true, true)->Name("flow/hit_ahead")->Apply(sizes);
BENCHMARK_CAPTURE(lookup, miss_ahead, false, true)->Name("flow/miss_ahead")->Apply(sizes);

constexpr uint32_t timers = 100'000;
// Deadlines as connections have them: 200 ms to 60 s.
Instant later(Rng& rng, Instant now) {
  return now + Duration::from_ms(200 + static_cast<int64_t>(rng.below(60'000)));
}

void arm(benchmark::State& state) {
  TimerWheel wheel{timers};
  Rng rng{4};
  Instant now{1'000'000'000};
  Cycles cycles;
  uint32_t i = 0;
  for (auto _ : state) {
    wheel.arm(i, later(rng, now));  // after the first round: re-arms
    if (++i == timers) i = 0;
  }
  cycles.stop();
  cycles.report(state, state.iterations());
}
BENCHMARK(arm)->Name("timer/arm");

void arm_and_cancel(benchmark::State& state) {
  TimerWheel wheel{timers};
  Rng rng{4};
  const Instant now{1'000'000'000};
  Cycles cycles;
  uint32_t i = 0;
  for (auto _ : state) {
    wheel.arm(i, later(rng, now));
    wheel.cancel(i);
    if (++i == timers) i = 0;
  }
  cycles.stop();
  cycles.report(state, state.iterations());
}
BENCHMARK(arm_and_cancel)->Name("timer/arm_and_cancel");

void expire(benchmark::State& state) {
  TimerWheel wheel{timers};
  Rng rng{4};
  Instant now{1'000'000'000};
  for (uint32_t i = 0; i < timers; ++i) wheel.arm(i, later(rng, now));
  uint64_t fired = 0;
  Cycles cycles;
  for (auto _ : state) {
    now = now + 1_ms;
    wheel.expire(now, timers, [&](uint32_t id) {
      ++fired;
      wheel.arm(id, later(rng, now));  // as a keepalive does
    });
  }
  cycles.stop();
  cycles.report(state, fired);
}
BENCHMARK(expire)->Name("timer/expire_and_arm_again");

}  // namespace
}  // namespace sluice::perf
