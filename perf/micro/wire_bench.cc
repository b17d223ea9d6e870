// SPDX-License-Identifier: Apache-2.0
// Headers read and sums made.
#include <vector>

#include "perf/micro/cycles.h"
#include "perf/micro/frames.h"

namespace sluice::perf {
namespace {

std::vector<uint8_t> tcp_segment() {
  wire::TcpOptions options;
  options.timestamps = {1, 2};
  std::vector<uint8_t> b(wire::Tcp::header_len + options.size());
  wire::Tcp::emit(b.data(),
                  {.src = {1024}, .dst = {80}, .flags = wire::tcp_flag::ack, .options = options.size()});
  options.emit(b.data() + wire::Tcp::header_len);
  return b;
}

void parse_ip4(benchmark::State& state) {
  std::vector<uint8_t> b(64);
  wire::Ip4::emit(b.data(), {.total_length = 64, .proto = 17, .src = client, .dst = us});
  Cycles cycles;
  for (auto _ : state) {
    auto ip = wire::Ip4::parse(b);
    benchmark::DoNotOptimize(ip);
    auto good = ip->good_checksum();
    benchmark::DoNotOptimize(good);
    benchmark::ClobberMemory();
  }
  cycles.stop();
  cycles.report(state, state.iterations());
}
BENCHMARK(parse_ip4)->Name("parse/ip4_and_its_checksum");

void parse_tcp(benchmark::State& state) {
  const std::vector<uint8_t> b = tcp_segment();
  Cycles cycles;
  for (auto _ : state) {
    auto tcp = wire::Tcp::parse(b);
    auto options = wire::TcpOptions::parse(tcp->options());
    benchmark::DoNotOptimize(tcp);
    benchmark::DoNotOptimize(options);
    benchmark::ClobberMemory();
  }
  cycles.stop();
  cycles.report(state, state.iterations());
}
BENCHMARK(parse_tcp)->Name("parse/tcp_with_timestamps");

void checksum(benchmark::State& state) {
  const std::vector<uint8_t> b(static_cast<size_t>(state.range(0)), 0x5a);
  Cycles cycles;
  for (auto _ : state) {
    auto sum = wire::Sum{}.add(b).checksum();
    benchmark::DoNotOptimize(sum);
    benchmark::ClobberMemory();
  }
  cycles.stop();
  cycles.report(state, state.iterations());
}
BENCHMARK(checksum)->Name("checksum/octets")->Arg(20)->Arg(64)->Arg(576)->Arg(1480);

}  // namespace
}  // namespace sluice::perf
