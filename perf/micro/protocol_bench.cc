// SPDX-License-Identifier: Apache-2.0
// Protocol cores without a stack around them: a TCP segment, a DNS answer, an HTTP head.
#include <array>
#include <string>
#include <vector>

#include "dns/answer.h"
#include "http/h1_parse.h"
#include "perf/micro/bench_worker.h"
#include "perf/micro/cycles.h"
#include "tcp/conn.h"

namespace sluice::perf {
namespace {

using namespace wire::tcp_flag;

// A connection that a peer has opened to us; the peer's side is a few numbers.
struct Established {
  Established() {
    conn.take_events();
    tcp::Segment out;
    check(conn.next_segment(now, out), "a SYN is answered");
    peer_ack = out.seq + 1;
    receive({.seq = peer_seq, .ack = peer_ack, .flags = ack, .window = {0xffff}});
    check(conn.state() == tcp::State::Established, "the handshake is done");
  }
  void receive(tcp::Segment in, buf::Slice&& slice = {}) {
    in.options.timestamps = {1, 1};
    buf::ByteQueue text{links};
    (void)text.push(std::move(slice));
    conn.on_segment(in, std::move(text), now);
  }

  tcp::Options options;
  Counters count;
  Rng rng{1};
  buf::LinkPool links{64};
  tcp::Shared shared{options, count, links, rng};
  Instant now{1'000'000'000};
  SeqNum peer_seq{1001}, peer_ack;
  tcp::Conn conn{shared,
                 {.iss = {1}, .mss = 1460},
                 {.seq = {1000},
                  .flags = syn,
                  .window = {0xffff},
                  .options = {.mss = 1460, .shift = WindowShift{7}, .timestamps = wire::TcpTimestamps{1, 0}}},
                 now};
};

std::array<uint8_t, 2048> octets{};
buf::Chunk chunk{.data = octets.data(), .size = octets.size(), .refs = 1};

void segment_in(benchmark::State& state) {
  Established e;
  tcp::Segment out;
  uint64_t segments = 0;
  Cycles cycles;
  for (auto _ : state) {
    e.receive({.seq = e.peer_seq, .ack = e.peer_ack, .flags = ack, .window = {0xffff}, .text = 1448},
              buf::Slice{chunk, 0, 1448});
    e.peer_seq = e.peer_seq + 1448;
    e.conn.take_events();
    e.conn.received().consume(e.conn.received().size());
    e.conn.consumed();
    while (e.conn.next_segment(e.now, out)) {
    }
    ++segments;
  }
  cycles.stop();
  check(e.count[Counter::tcp_octets_in] == segments * 1448, "every segment was taken");
  cycles.report(state, segments);
}
BENCHMARK(segment_in)->Name("tcp/segment_in");

void segment_out(benchmark::State& state) {
  Established e;
  tcp::Segment out;
  uint64_t segments = 0;
  Cycles cycles;
  for (auto _ : state) {
    e.conn.sending().push(buf::Slice{chunk, 0, 1448});
    while (e.conn.next_segment(e.now, out)) segments += out.text != 0;
    e.peer_ack = e.peer_ack + 1448;
    e.receive({.seq = e.peer_seq, .ack = e.peer_ack, .flags = ack, .window = {0xffff}});
    e.conn.take_events();
  }
  cycles.stop();
  check(segments == static_cast<uint64_t>(state.iterations()), "every segment was sent, once");
  cycles.report(state, segments);
}
BENCHMARK(segment_out)->Name("tcp/segment_out_and_its_ack");

void dns_answer(benchmark::State& state) {
  const auto names = static_cast<size_t>(state.range(0));
  const auto zones = bench_zones(names);
  Counters count;
  Rng rng{5};
  constexpr size_t burst = 32;
  static constexpr char query[] = "\1\2\1\0\0\1\0\0\0\0\0\0\7h000000\5bench\4test\0\0\1\0\1";
  std::array<std::array<uint8_t, 512>, burst> buffers;
  Cycles cycles;
  for (auto _ : state) {
    std::array<dns::Exchange, burst> run;
    for (size_t i = 0; i < burst; ++i) {
      std::memcpy(buffers[i].data(), query, sizeof query - 1);
      const size_t n = rng.below(names);
      for (size_t d = 0; d < 6; ++d)
        buffers[i][14 + d] = static_cast<uint8_t>("0123456789abcdef"[n >> (20 - 4 * d) & 15]);
      run[i] = {.buffer = buffers[i], .len = sizeof query - 1};
    }
    cycles.start();
    dns::answer(*zones, run, count);
    cycles.stop();
  }
  check(count[Counter::dns_noerror] == static_cast<uint64_t>(state.iterations()) * burst,
        "every name is there");
  cycles.report(state, static_cast<uint64_t>(state.iterations()) * burst);
}
BENCHMARK(dns_answer)->Name("dns/answer/names")->Arg(1'000)->Arg(1'000'000);

void http_head(benchmark::State& state, std::string_view head) {
  const http::Options options;
  http::Request request;
  Cycles cycles;
  for (auto _ : state) {
    auto r = http::parse_request(as_bytes(head), options, request);
    check(r && *r == head.size(), "the head is whole");
    benchmark::ClobberMemory();
  }
  cycles.stop();
  cycles.report(state, static_cast<uint64_t>(state.iterations()));
}
BENCHMARK_CAPTURE(http_head, small, "GET /1k HTTP/1.1\r\nHost: www.bench.test\r\n\r\n")
    ->Name("http/head/small");
BENCHMARK_CAPTURE(http_head, browser,
                  "GET /assets/site.css?v=42 HTTP/1.1\r\nHost: www.bench.test\r\n"
                  "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
                  "Accept: text/css,*/*;q=0.1\r\nAccept-Language: en-US,en;q=0.5\r\n"
                  "Accept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\n"
                  "Referer: http://www.bench.test/\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n"
                  "If-None-Match: \"0123456789abcdef\"\r\n\r\n")
    ->Name("http/head/browser");

}  // namespace
}  // namespace sluice::perf
