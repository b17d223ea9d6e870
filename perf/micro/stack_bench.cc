// SPDX-License-Identifier: Apache-2.0
// One burst through Stack::poll, and the program's main.
#include "perf/micro/cycles.h"
#include "perf/micro/paths.h"

namespace sluice::perf {
namespace {

buf::PacketPool& packets() {
  static buf::PacketPool pool{"bench", 32'767, 32'767};
  check(pool.ok(), "memory for packets");
  return pool;
}

void poll(benchmark::State& state, const char* name) {
  const auto path = make_path(name, {.burst = static_cast<size_t>(state.range(0))}, packets());
  uint64_t items = 0;
  Cycles cycles;
  for (auto _ : state) {
    path->before();
    cycles.start();
    path->worker().stack().poll(path->worker().now());
    cycles.stop();
    items += path->after();
    path->worker().pass(10_us);
  }
  cycles.report(state, items);
}
BENCHMARK_CAPTURE(poll, forward, "forward")->Name("stack/forward/burst")->Arg(1)->Arg(32)->Arg(64);
BENCHMARK_CAPTURE(poll, dns, "dns")->Name("stack/dns/burst")->Arg(1)->Arg(32)->Arg(64);
BENCHMARK_CAPTURE(poll, keepalive, "keepalive")->Name("stack/http_keepalive/burst")->Arg(1)->Arg(32)->Arg(64);
BENCHMARK_CAPTURE(poll, close, "close")->Name("stack/http_close/burst")->Arg(32);
BENCHMARK_CAPTURE(poll, bulk, "bulk")->Name("stack/bulk_out/burst")->Arg(32);

}  // namespace
}  // namespace sluice::perf

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  sluice::perf::start_eal(false);
  benchmark::RunSpecifiedBenchmarks();
  std::fflush(nullptr);
  std::_Exit(0);  // the pools end with the process, before the static ones that lean on them
}
