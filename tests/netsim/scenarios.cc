// SPDX-License-Identifier: Apache-2.0
#include "netsim/scenarios.h"

#include <cmath>
#include <cstdarg>
#include <cstdio>

#include "netsim/world.h"

namespace sluice::test::netsim {
namespace {

std::string print(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string print(const char* format, ...) {
  char b[256];
  va_list args;
  va_start(args, format);
  std::vsnprintf(b, sizeof b, format, args);
  va_end(args);
  return b;
}

// The congestion controls there are.
constexpr struct Control {
  const char* name;
  tcp::Algorithm algorithm;
} controls[] = {
    {"cubic", tcp::Algorithm::Cubic}, {"reno", tcp::Algorithm::Reno}, {"bbr", tcp::Algorithm::Bbr}};

WorldOptions wide(Duration rtt, double loss, uint64_t rate, uint64_t seed) {
  WorldOptions o;
  o.up = {.rate = rate, .delay = rtt / 2, .queue = 125'000, .loss = loss};
  o.down = {.rate = rate, .delay = rtt / 2, .queue = 125'000};
  o.a.connections = o.a.half_open = o.a.time_waits = 64;
  o.a.send_buffer = o.a.receive_buffer = 2'097'152;
  o.b = o.a;
  o.seed = seed;
  return o;
}

struct Cell {
  double mbit = 0, again = 0;
  uint64_t timeouts = 0;
};
// One flow for `length`, the mean of three seeds.
Cell measure(const Control& control, Duration rtt, double loss, double to_bad) {
  constexpr int seeds = 3;
  constexpr Duration length = 8_s;
  Cell c;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    WorldOptions o = wide(rtt, loss, 20'000'000, seed);
    o.up.to_bad = to_bad;
    o.a.congestion = o.b.congestion = control.algorithm;
    World w{o};
    const Flow& f = w.add(1'000'000'000, 0);
    (void)w.run(length);
    if (!w.fault().empty()) return {-1, 0, 0};
    const Counters& n = w.host_a().count;
    c.mbit += static_cast<double>(f.b.read) * 8 / 1e6 / length.seconds() / seeds;
    c.again += 100.0 * static_cast<double>(n[Counter::tcp_retransmits]) /
               static_cast<double>(std::max<uint64_t>(n[Counter::tcp_segments_out], 1)) / seeds;
    c.timeouts += n[Counter::tcp_timeouts];
  }
  return c;
}

struct Shared {
  double index = 0;  // Jain's, over what the flows carry; 0: something went wrong
  double mbit = 0;   // of all together, a second
};
Shared share(const Control& control, size_t n, uint64_t seed) {
  WorldOptions o = wide(30_ms, 0, 20'000'000, seed);
  o.a.congestion = o.b.congestion = control.algorithm;
  World w{o};
  Rng rng{seed};
  std::vector<Flow*> flows;
  for (size_t i = 0; i < n; ++i)
    flows.push_back(
        &w.add(1'000'000'000, 0, Duration::from_ms(static_cast<int64_t>(200 * i + rng.below(100)))));
  (void)w.run(10_s);
  std::vector<uint64_t> before;
  for (const Flow* f : flows) before.push_back(f->b.read);
  (void)w.run(20_s);
  double sum = 0, squares = 0;
  for (size_t i = 0; i < n; ++i) {
    const auto x = static_cast<double>(flows[i]->b.read - before[i]);
    sum += x;
    squares += x * x;
  }
  const bool fine = w.fault().empty() && squares > 0;
  return {fine ? sum * sum / (static_cast<double>(n) * squares) : 0, sum * 8 / 1e6 / 20};
}

}  // namespace

std::string throughput_table() {
  std::string t =
      "One flow over 20 Mbit/s with a drop-tail queue of 125 kB: goodput in Mbit/s, segments sent again in "
      "%, timeouts\n"
      "(8 s, mean of three seeds; timeouts: sum). Lossless, the line carries 19.1. \"bursts\": "
      "Gilbert-Elliott, one packet in 500\n"
      "begins a bad stretch of 3.3 packets on average, of which half are lost.\n\n"
      "control  loss      rtt 1 ms            rtt 20 ms           rtt 100 ms\n";
  struct Loss {
    const char* name;
    double random, to_bad;
  };
  constexpr Loss losses[] = {
      {"0 %", 0, 0}, {"0.1 %", 0.001, 0}, {"1 %", 0.01, 0}, {"3 %", 0.03, 0}, {"bursts", 0, 0.002}};
  for (const Control& control : controls)
    for (const Loss& loss : losses) {
      t += print("%-8s %-7s", control.name, loss.name);
      for (const Duration rtt : {1_ms, 20_ms, 100_ms}) {
        const Cell c = measure(control, rtt, loss.random, loss.to_bad);
        t += print("  %5.1f %5.1f %% %3u   ", c.mbit, c.again, static_cast<unsigned>(c.timeouts));
      }
      while (t.back() == ' ') t.pop_back();
      t += "\n";
    }
  return t;
}

std::string fairness_table(double& least) {
  std::string t =
      "Flows that share 20 Mbit/s (30 ms, queue 125 kB), each begun 100 to 300 ms after the one before: "
      "Jain's index over\n"
      "what they carried from second 10 to 30, and the line's use in that time, mean of six seeds. 1 is "
      "even; "
      "1/n is one flow\n"
      "having it all.\n\n"
      "control  flows  index  Mbit/s\n";
  least = 1;
  for (const Control& control : controls)
    for (const size_t n : {2u, 4u, 8u}) {
      double index = 0, mbit = 0;
      constexpr int seeds = 6;
      for (uint64_t seed = 1; seed <= seeds; ++seed) {
        const Shared s = share(control, n, seed);
        index += s.index / seeds;
        mbit += s.mbit / seeds;
      }
      if (control.algorithm != tcp::Algorithm::Bbr) least = std::min(least, index);
      t += print("%-8s %5zu  %5.2f  %6.1f\n", control.name, n, index, mbit);
    }
  return t;
}

namespace {

LinkOptions line_of(Rng& r) {
  LinkOptions l;
  const auto some = [&](double p, double most) {
    return r.chance(p) ? most * static_cast<double>(r.below(1'000)) / 1'000 : 0.0;
  };
  if (r.chance(0.7)) l.rate = 500'000 + r.below(50'000'000);
  l.delay = Duration::from_us(static_cast<int64_t>(50 + r.below(r.chance(0.2) ? 300'000 : 30'000)));
  l.queue = static_cast<uint32_t>(6'000 + r.below(150'000));
  if (r.chance(0.3)) l.mark_above = static_cast<uint32_t>(l.queue / 4);
  l.loss = some(0.6, r.chance(0.2) ? 0.2 : 0.03);
  l.to_bad = some(0.3, 0.02);
  l.reorder = some(0.4, 0.3);
  l.reorder_by = Duration::from_us(static_cast<int64_t>(r.below(20'000)));
  l.duplicate = some(0.3, 0.1);
  l.corrupt = some(0.3, 0.02);
  return l;
}

tcp::Options options_of(Rng& r) {
  tcp::Options o;
  o.connections = o.half_open = o.time_waits = 64;
  o.timestamps = !r.chance(0.3);
  o.window_scaling = !r.chance(0.3);
  o.sack = !r.chance(0.3);
  o.congestion = controls[r.below(std::size(controls))].algorithm;
  o.ecn = static_cast<uint32_t>(r.below(3));
  o.pacing = !r.chance(0.3);
  o.nagle = r.chance(0.3);
  o.receive_buffer = static_cast<uint32_t>(8'192 + r.below(300'000));
  o.send_buffer = static_cast<uint32_t>(8'192 + r.below(300'000));
  o.send_buffer_most = std::max(o.send_buffer, o.receive_buffer);  // grows in some of the seeds
  if (r.chance(0.3)) o.rto_min = Duration::from_ms(static_cast<int64_t>(20 + r.below(300)));
  if (r.chance(0.2)) o.ack_delay = 0_ms;
  o.retries = 100;  // the line is bad, not dead
  o.syn_retries = o.syn_ack_retries = 20;
  o.rto_max = 4_s;
  return o;
}

}  // namespace

Outcome transfer(uint64_t seed) {
  const uint32_t packets = packet_pool().packets_free(), headers = packet_pool().headers_free();
  Outcome out;
  {
    Rng r{seed};
    WorldOptions o{
        .up = line_of(r), .down = line_of(r), .a = options_of(r), .b = options_of(r), .seed = seed};
    const bool tso = r.chance(0.3);
    o.path = {static_cast<uint16_t>(r.chance(0.2)   ? 576
                                    : r.chance(0.2) ? 9000
                                                    : 1500),
              tso, tso || r.chance(0.5)};
    World w{o};
    const size_t n = r.chance(0.3) ? 1 + r.below(5) : 1;
    std::vector<const Flow*> flows;
    for (size_t i = 0; i < n; ++i)
      flows.push_back(&w.add(r.below(r.chance(0.2) ? 300'000 : 60'000),
                             r.below(r.chance(0.2) ? 300'000 : 60'000),
                             Duration::from_ms(static_cast<int64_t>(r.below(200) * i))));
    const bool rest = w.run(1'200_s);
    out.line = print(
        "seed %llu: %zu flows, mtu %u, loss %.3f/%.3f, bursts %.3f, reorder %.2f, duplicate %.2f, corrupt "
        "%.3f",
        static_cast<unsigned long long>(seed), n, o.path.mtu, o.up.loss, o.down.loss, o.up.to_bad,
        o.up.reorder, o.up.duplicate, o.up.corrupt);
    out.fault = w.fault();
    if (out.fault.empty() && !rest) out.fault = "did not come to rest";
    for (const Flow* f : flows) {
      if (!out.fault.empty()) break;
      if (f->a.failed || f->b.failed || !f->over()) out.fault = "a flow did not end in order";
      if (f->b.read != f->up || f->a.read != f->down) out.fault = "octets are missing";
    }
    if (out.fault.empty() && !w.memory_is_back()) out.fault = "memory of streams is not back";
    if (out.fault.empty() &&
        (w.host_a().room.connections(tcp::State::Established) != 0 || w.host_b().room.half_open() != 0))
      out.fault = "a connection is left";
  }
  if (out.fault.empty() &&
      (packet_pool().packets_free() != packets || packet_pool().headers_free() != headers))
    out.fault = "packet buffers are not back";
  return out;
}

Outcome churn(uint64_t seed, bool (*more)(uint64_t virtual_minutes)) {
  Rng r{seed};
  WorldOptions o{.seed = seed};
  o.a.connections = o.b.connections = 512;
  o.a.half_open = o.b.half_open = 128;
  o.a.time_waits = o.b.time_waits = 4'096;
  o.a.retries = o.b.retries = 30;
  o.a.rto_max = o.b.rto_max = 4_s;
  o.a.keepalive = o.b.keepalive = 5_s;  // a peer whose reset was lost is found out
  o.a.keepalive_interval = o.b.keepalive_interval = 1_s;
  const uint32_t packets = packet_pool().packets_free(), headers = packet_pool().headers_free();
  Outcome out;
  uint64_t flows = 0, aborted = 0, minutes = 0;
  World w{o};
  const auto fails = [&](const char* what) { out.fault = w.fault().empty() ? what : w.fault(); };
  for (; out.fault.empty() && more(minutes); ++minutes) {
    for (int second = 0; second < 60 && w.fault().empty(); ++second) {
      if (second % 5 == 0) w.set_line(line_of(r), line_of(r));
      for (uint64_t n = r.below(12); n != 0; --n, ++flows) {
        Flow& f =
            w.add(r.below(20'000), r.below(20'000), Duration::from_ms(static_cast<int64_t>(r.below(1'000))));
        if (r.chance(0.1)) f.abort_at = r.below(20'000), ++aborted;
      }
      for (uint64_t n = r.below(8); n != 0; --n) w.stray_syn();
      (void)w.run(1_s);
      (void)w.forget_ended();
    }
    if (!w.run(1'800_s)) fails("the minute does not come to rest");
    if (w.forget_ended() != 0 && out.fault.empty()) fails("a flow does not end");
    if (out.fault.empty() && !w.memory_is_back()) fails("memory of streams is not back");
    for (size_t s = 0; s < tcp::state_count && out.fault.empty(); ++s)
      if (s != static_cast<size_t>(tcp::State::TimeWait) &&
          w.host_a().room.connections(static_cast<tcp::State>(s)) +
                  w.host_b().room.connections(static_cast<tcp::State>(s)) !=
              0)
        fails("a connection is left");
    if (out.fault.empty() && w.host_b().room.half_open() != 0) fails("a half-open record is left");
    if (out.fault.empty() &&
        (packet_pool().packets_free() != packets || packet_pool().headers_free() != headers))
      fails("packet buffers are not back");
  }
  out.line = print("seed %llu: %llu minutes, %llu connections, %llu of them to be aborted",
                   static_cast<unsigned long long>(seed), static_cast<unsigned long long>(minutes),
                   static_cast<unsigned long long>(flows), static_cast<unsigned long long>(aborted));
  return out;
}

}  // namespace sluice::test::netsim
