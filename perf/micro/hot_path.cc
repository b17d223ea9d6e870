// SPDX-License-Identifier: Apache-2.0
// Drives one hot path and says what an item cost: cycles of Stack::poll, nothing else. Under callgrind
// (perf/micro/instructions) the same program gives instructions.
//
//   hot_path PATH [--turns N] [--warm N] [--burst N] [--names N] [--routes N]
//   [--change-every N | --changes-beside N] [--connections N] [--huge] [--sums]
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "io/clock.h"
#include "perf/micro/paths.h"

namespace {

using namespace sluice;

struct Words {
  std::string_view path;
  size_t turns = 2'000, warm = 200;
  size_t changes_beside = 0;  // a second
  bool huge = false;
  perf::PathPlan plan;
};

[[noreturn]] void usage(const char* wrong) {
  std::fprintf(
      stderr,
      "hot_path: %s\nusage: hot_path forward|forward6|dns|keepalive|close|bulk|syn [--turns N] [--warm N] "
      "[--burst N]\n"
      "                [--names N] [--routes N] [--change-every N | --changes-beside N] [--connections N] "
      "[--huge] "
      "[--sums]\n",
      wrong);
  std::exit(2);
}

Words parse(int argc, char** argv) {
  Words w;
  const auto number = [&](int& i) {
    size_t n = 0;
    const std::string_view text = ++i < argc ? argv[i] : "";
    const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
    if (r.ec != std::errc{} || r.ptr != text.data() + text.size() || n == 0)
      usage("a number above 0 is wanted");
    return n;
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--turns")
      w.turns = number(i);
    else if (word == "--warm")
      w.warm = number(i);
    else if (word == "--burst")
      w.plan.burst = std::min(number(i), buf::burst_size);
    else if (word == "--names")
      w.plan.names = number(i);
    else if (word == "--routes")
      w.plan.routes = number(i);
    else if (word == "--change-every")
      w.plan.change_every = number(i);
    else if (word == "--changes-beside")
      w.changes_beside = number(i);
    else if (word == "--connections")
      w.plan.connections = number(i);
    else if (word == "--huge")
      w.huge = true;
    else if (word == "--sums")
      w.plan.device_sums = true;
    else if (w.path.empty() && !word.starts_with('-'))
      w.path = word;
    else
      usage("an unknown word");
  }
  if (std::ranges::find(perf::path_names, w.path) == std::end(perf::path_names)) usage("which path?");
  return w;
}

struct Turn {
  uint64_t cycles;
  size_t items;
};

}  // namespace

// By its name callgrind knows what to count: neither the clients nor the turns before.
[[gnu::noinline]] void measured_poll(Stack& stack, Instant now) {
  stack.poll(now);
  asm volatile("" ::: "memory");  // no tail call: the end of this function is the end of the count
}

namespace {

Turn turn(perf::Path& path, void (*poll)(Stack&, Instant)) {
  path.before();
  const uint64_t start = io::ticks();
  poll(path.worker().stack(), path.worker().now());
  const uint64_t cycles = io::ticks() - start;
  const size_t items = path.after();
  path.worker().pass(10_us);
  path.worker().between_bursts();
  return {cycles, items};
}

}  // namespace

int main(int argc, char** argv) {
  const Words words = parse(argc, argv);
  perf::start_eal(words.huge);
  buf::PacketPool pool{"bench", 32'767, 32'767};
  check(pool.ok(), "memory for packets");
  const auto path = perf::make_path(words.path, words.plan, pool);
  if (words.changes_beside != 0) path->worker().turn_routes_beside(words.changes_beside);
  for (size_t i = 0; i < words.warm; ++i) turn(*path, [](Stack& s, Instant now) { s.poll(now); });
  // The total and, because a busy machine disturbs single turns, the median of groups of turns.
  std::vector<double> groups;
  Turn all{}, group{};
  const Instant begun = io::now();
  const uint64_t changed = path->worker().between_bursts();
  for (size_t i = 0; i < words.turns; ++i) {
    const Turn t = turn(*path, measured_poll);
    group.cycles += t.cycles, group.items += t.items;
    all.cycles += t.cycles, all.items += t.items;
    if (i % 20 != 19 || group.items == 0) continue;
    groups.push_back(static_cast<double>(group.cycles) / static_cast<double>(group.items));
    group = {};
  }
  if (groups.empty() || all.items == 0) usage("more --turns are wanted");
  std::ranges::nth_element(groups, groups.begin() + static_cast<std::ptrdiff_t>(groups.size() / 2));
  const auto changes = static_cast<double>(path->worker().between_bursts() - changed);
  const double seconds = (io::now() - begun).seconds();
  std::printf(
      "{\"path\": \"%s\", \"turns\": %zu, \"items\": %zu, \"cycles_per_item\": %.1f, \"median\": %.1f",
      words.path.data(), words.turns, all.items,
      static_cast<double>(all.cycles) / static_cast<double>(all.items), groups[groups.size() / 2]);
  if (words.changes_beside != 0) std::printf(", \"changes_per_second\": %.0f", changes / seconds);
  std::printf("}\n");
  std::fflush(stdout);
  std::_Exit(0);  // the pools end with the process; taking them down in order is not what is measured
}
