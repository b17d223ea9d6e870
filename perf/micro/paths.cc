// SPDX-License-Identifier: Apache-2.0
#include "perf/micro/paths.h"

#include "base/rng.h"
#include "perf/micro/frames.h"
#include "perf/micro/http_clients.h"

namespace sluice::perf {
namespace {

// Datagrams from one network through us into another, to addresses all over the table.
class Forward final : public Path {
 public:
  Forward(const PathPlan& p, bool ip6, buf::PacketPool& pool) : plan_{p}, ip6_{ip6} {
    worker_ = std::make_unique<BenchWorker>(
        WorkerPlan{.burst = p.burst, .routes = p.routes, .ip6 = ip6, .device_sums = p.device_sums}, pool);
  }
  void before() override {
    static constexpr std::array<uint8_t, 18> text{};  // 64 octets with the frame check sequence
    for (size_t i = 0; i < plan_.burst; ++i) {
      const size_t n = rng_() % plan_.routes;
      worker_->give(0, ip6_ ? udp6_frame(worker_->pool(), client6, network6(n, 1), {1024}, {9})
                            : udp_frame(worker_->pool(), client, {network(n).v + 1}, {1024}, {9}, text));
    }
    if (plan_.change_every != 0 && ++turns_ % plan_.change_every == 0)
      worker_->turn_route(rng_() % plan_.routes);
  }
  size_t after() override {
    auto& sent = worker_->port(1).sent();
    const size_t n = sent.size();
    check(n == plan_.burst, "what came in was passed on");
    sent.clear();
    return n;
  }

 private:
  PathPlan plan_;
  bool ip6_;
  size_t turns_ = 0;
  Rng rng_{7};
};

// Queries for addresses of names all over the zone; one in ten names is not there.
class Dns final : public Path {
 public:
  Dns(const PathPlan& p, buf::PacketPool& pool) : plan_{p} {
    worker_ = std::make_unique<BenchWorker>(
        WorkerPlan{.burst = p.burst, .device_sums = p.device_sums, .zones = bench_zones(p.names)}, pool);
  }
  void before() override {
    for (size_t i = 0; i < plan_.burst; ++i) {
      char query[] = "\0\0\1\0\0\1\0\0\0\0\0\0\7h000000\5bench\4test\0\0\1\0\1";  // IN A
      const bool there = rng_() % 10 != 0;
      const size_t n = rng_() % plan_.names;
      query[0] = there ? 'y' : 'n';
      for (size_t d = 0; d < 6; ++d) query[14 + d] = "0123456789abcdef"[n >> (20 - 4 * d) & 15];
      if (!there) query[13] = 'g';
      const Port from{static_cast<uint16_t>(1024 + i)};
      worker_->give(0,
                    udp_frame(worker_->pool(), client, us, from, {53}, as_bytes({query, sizeof query - 1})));
    }
  }
  size_t after() override {
    auto& sent = worker_->port(0).sent();
    const size_t n = sent.size();
    check(n == plan_.burst, "every query is answered");
    for (const buf::Packet& p : sent) {
      const uint8_t* message = p.data() + 14 + 20 + 8;
      const bool there = message[0] == 'y';
      check((message[3] & 15) == (there ? 0 : 3) && message[7] == there, "the answer is right");
    }
    sent.clear();
    return n;
  }

 private:
  PathPlan plan_;
  Rng rng_{7};
};

// SYNs of a flood, none of which is remembered.
class SynFlood final : public Path {
 public:
  SynFlood(const PathPlan& p, buf::PacketPool& pool) : plan_{p} {
    WorkerPlan w{.burst = p.burst, .device_sums = p.device_sums};
    w.tcp.half_open = 0;
    worker_ = std::make_unique<BenchWorker>(w, pool);
  }
  void before() override {
    for (size_t i = 0; i < plan_.burst; ++i) {
      const auto random = static_cast<uint32_t>(rng_());
      worker_->give(0, tcp_frame(worker_->pool(), client, us,
                                 {.src = {static_cast<uint16_t>(1'024 + random % 60'000)},
                                  .dst = {80},
                                  .seq = {random},
                                  .flags = wire::tcp_flag::syn,
                                  .window = {65'535}},
                                 {.mss = 1460,
                                  .shift = WindowShift{7},
                                  .timestamps = wire::TcpTimestamps{random, 0},
                                  .sack_permitted = true}));
    }
  }
  size_t after() override {
    auto& sent = worker_->port(0).sent();
    const size_t n = sent.size();
    check(n == plan_.burst && worker_->count()[Counter::tcp_cookies_sent] == (answered_ += n),
          "every SYN is answered with a cookie");
    for (const buf::Packet& p : sent)
      check(p.data()[14 + 20 + 13] == (wire::tcp_flag::syn | wire::tcp_flag::ack), "by SYN and ACK");
    check(worker_->stack().tcp().half_open() == 0, "nothing is remembered");
    sent.clear();
    return n;
  }

 private:
  PathPlan plan_;
  uint64_t answered_ = 0;
  Rng rng_{7};
};

}  // namespace

std::unique_ptr<Path> make_path(std::string_view name, const PathPlan& p, buf::PacketPool& pool) {
  if (name == "forward" || name == "forward6") return std::make_unique<Forward>(p, name == "forward6", pool);
  if (name == "dns") return std::make_unique<Dns>(p, pool);
  if (name == "keepalive") return std::make_unique<KeepAlive>(p, pool);
  if (name == "close") return std::make_unique<ConnectClose>(p, pool);
  if (name == "bulk") return std::make_unique<Bulk>(p, pool);
  if (name == "syn") return std::make_unique<SynFlood>(p, pool);
  return nullptr;
}

}  // namespace sluice::perf
