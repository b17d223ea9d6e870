// SPDX-License-Identifier: Apache-2.0
// No line of memory is written by two workers while packets pass. Seen, not reasoned: three workers forward,
// serve and hand over to each other, and every store of theirs is recorded. Mbufs are excused, and nothing
// else.
#include <cxxabi.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <rte_mempool.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sstream>

#include "lines/traffic.h"
#include "lines/writes.h"

namespace sluice::test {
namespace {

std::string name_of(const void* code) {
  Dl_info info{};
  if (dladdr(code, &info) == 0 || info.dli_sname == nullptr) return "a function without a name";
  int bad = 0;
  char* const plain = abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &bad);
  std::string name = bad == 0 ? plain : info.dli_sname;
  constexpr std::string_view here = "(anonymous namespace)::";
  while (name.find(here) != std::string::npos) name.erase(name.find(here), here.size());
  std::free(plain);
  return name.substr(0, name.find('('));
}

std::string place_of(const writes::Fault& f) {
  std::ostringstream o;
  Dl_info info{};
  const auto* at = reinterpret_cast<const void*>(f.line.at);
  if (f.in_block)
    o << f.block.size << " octets, aligned to " << f.block.align << ", that " << name_of(f.block.where)
      << " took";
  else if (dladdr(at, &info) != 0)
    o << "what is static" << (info.dli_sname == nullptr ? "" : std::string{", near "} + info.dli_sname);
  else
    o << "memory that is neither static nor from new, line " << at;
  return o.str();
}

// A line for each place and writer that breaks the rule.
std::string faults() {
  std::set<std::string> all;
  writes::for_each_fault(
      [](void* context, const writes::Fault& f) {
        std::ostringstream o;
        o << place_of(f) << ": written";
        for (int w = 0; w < writes::most_writers; ++w)
          if (f.line.octets[w] != 0) o << " by " << w << " in " << name_of(f.line.where[w]);
        static_cast<std::set<std::string>*>(context)->insert(o.str());
      },
      &all);
  std::string text;
  for (const std::string& one : all) text += one + '\n';
  return text;
}

// Whose a packet is, its octets are, and what DPDK keeps with it; and with the pool it is the next taker's.
bool in_a_packet(uintptr_t line) {
  struct Look {
    uintptr_t line;
    bool found;
  } look{line, false};
  const auto look_into = [](rte_mempool*, void* context, rte_mempool_memhdr* m, unsigned) {
    auto& l = *static_cast<Look*>(context);
    const auto from = reinterpret_cast<uintptr_t>(m->addr);
    l.found |= l.line >= from && l.line < from + m->len;
  };
  for (const char* pool : {"test_packets", "test_headers"})
    rte_mempool_mem_iter(rte_mempool_lookup(pool), look_into, &look);
  return look.found;
}

class Writes : public testing::Test {
 protected:
  Writes() { writes::forget(); }
  ~Writes() override { writes::excuse(nullptr); }
};

TEST_F(Writes, two_counters_side_by_side_are_found) {
  struct alignas(cache_line) Pair {
    std::atomic<uint64_t> mine{0}, yours{0};
  };
  const auto pair = std::make_unique<Pair>();
  const auto apart = std::make_unique<Counters[]>(2);
  Crew crew{2};
  crew.let(0, [&] { apart[0].add(Counter::worker_polls); });
  crew.let(1, [&] { apart[1].add(Counter::worker_polls); });
  EXPECT_EQ(faults(), "");
  crew.let(0, [&] { pair->mine.store(1, std::memory_order_relaxed); });
  EXPECT_EQ(faults(), "");
  crew.let(1, [&] { pair->yours.store(1, std::memory_order_relaxed); });
  EXPECT_NE(faults().find(": written by 0 in "), std::string::npos) << faults();
  EXPECT_NE(faults().find(" by 1 in "), std::string::npos) << faults();
}

TEST_F(Writes, each_way_to_write_is_told) {
  struct alignas(cache_line) Many {
    uint8_t octet;
    uint64_t word;
    std::atomic<uint32_t> sum{0};
    std::array<uint64_t, 40> copied, filled, assigned;
  };
  const auto many = std::make_unique<Many>();
  const std::array<uint64_t, 40> from{1, 2, 3};
  Crew crew{1};
  const auto grows = [&](auto&& write) {
    const auto before = writes::totals(0);
    crew.let(0, write);
    const auto after = writes::totals(0);
    EXPECT_GT(after.stores, before.stores);
    return after.lines - before.lines;
  };
  EXPECT_GE(grows([&] { many->octet = 1; }), 1u);
  grows([&] { many->word = 1; });
  grows([&] { many->sum.fetch_add(1); });
  EXPECT_GE(grows([&] { std::memcpy(many->copied.data(), from.data(), sizeof from); }), 5u);
  EXPECT_GE(grows([&] { std::memset(many->filled.data(), 7, sizeof many->filled); }), 4u);
  EXPECT_GE(grows([&] { many->assigned = from; }), 4u);
}

TEST_F(Writes, lines_that_are_a_writers_only_by_luck_are_found) {
  const auto lucky = std::make_unique<uint64_t>();
  LineVector<uint64_t> owned(3);
  Crew crew{1};
  crew.let(0, [&] { owned[2] = 1; });
  EXPECT_EQ(faults(), "");
  crew.let(0, [&] { *lucky = 1; });
  EXPECT_NE(faults().find("8 octets"), std::string::npos);
}

TEST_F(Writes, a_block_that_is_gone_is_not_forgiven) {
  auto lucky = std::make_unique<uint64_t>();
  Crew crew{1};
  crew.let(0, [&] { *lucky = 1; });
  lucky.reset();
  EXPECT_NE(faults().find("8 octets"), std::string::npos);
}

TEST_F(Writes, what_is_handed_over_is_excused) {
  const auto parcel = std::make_unique<Counters>();
  static uintptr_t excused;
  excused = reinterpret_cast<uintptr_t>(parcel.get());
  Crew crew{2};
  for (int k = 0; k < 2; ++k) crew.let(k, [&] { parcel->add(Counter{}); });
  EXPECT_NE(faults(), "");
  writes::forget();
  writes::excuse([](uintptr_t line) { return line == excused; });
  for (int k = 0; k < 2; ++k) crew.let(k, [&] { parcel->add(Counter{}); });
  EXPECT_EQ(faults(), "");
}

TEST(Lines, no_line_is_written_by_two_workers) {
  Traffic traffic;
  writes::forget();
  writes::excuse(in_a_packet);
  for (int i = 0; i < 300; ++i) traffic.round(6, 5_ms);
  for (int i = 0; i < 100; ++i) traffic.round(1, 2_s);  // neighbours and connections grow old
  EXPECT_EQ(faults(), "");

  EXPECT_GT(traffic.visits(), 500u);
  for (int k = 0; k < Team::workers; ++k) {
    app::Worker& w = traffic.team().worker(k);
    EXPECT_GT(writes::totals(k).stores, 1'000'000u) << "worker " << k;
    EXPECT_GT(writes::totals(k).lines, 2'000u) << "worker " << k;
    if (k != 2) EXPECT_GT(w.count[Counter::io_handed_over], 1000u) << "by ring, from worker " << k;
    EXPECT_GE(w.stack->link().neighbours().size(), 5u) << "of which two are known by hearsay";
    EXPECT_GT(w.sub_ports[Traffic::tagged_port]->sent.packets, 100u);
    EXPECT_GT(w.sub_ports[Traffic::tagged_port]->received.packets, 100u);
  }
  EXPECT_GT(traffic.team().worker(2).count[Counter::io_sent_by_other], 1000u) << "it has no queue";
  writes::excuse(nullptr);
}

}  // namespace
}  // namespace sluice::test
