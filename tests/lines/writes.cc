// SPDX-License-Identifier: Apache-2.0
#include "lines/writes.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#include "lines/told.h"

namespace sluice::test::writes {
namespace {

constexpr size_t line_size = 64;
constexpr size_t lines_most = size_t{1} << 20, blocks_most = size_t{1} << 20, faults_most = size_t{1} << 14;

thread_local int writer = nobody;
size_t stores[most_writers];
Fault faults[faults_most];
size_t faulty = 0;  // of blocks that are gone, between two looks
bool (*excused)(uintptr_t line) = nullptr;

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "lines: %s\n", why);
  std::abort();
}

template <class Row>
Row* rows_of(size_t n) {
  void* const p = mmap(nullptr, n * sizeof(Row), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) give_up("no memory for the tables");
  return static_cast<Row*>(p);
}
size_t place(uintptr_t at, size_t rows) { return (at * 0x9e3779b97f4a7c15 >> 20) & (rows - 1); }

// Open addressing, an empty row has address 0.
Line* lines() {
  static Line* const rows = rows_of<Line>(lines_most);
  return rows;
}
Line* find_line(uintptr_t at, bool make) {
  static size_t used = 0;
  size_t i = place(at / line_size, lines_most);
  while (lines()[i].at != at && lines()[i].at != 0) i = (i + 1) & (lines_most - 1);
  if (lines()[i].at == 0) {
    if (!make) return nullptr;
    if (++used > lines_most / 2) give_up("more lines than there is room for");
    lines()[i].at = at;
  }
  return lines() + i;
}

constexpr uintptr_t was_here = 1;  // a row whose block is gone
Block* blocks() {
  static Block* const rows = rows_of<Block>(blocks_most);
  return rows;
}

bool whole_lines(const Block& b) {
  return b.at % line_size == 0 && b.size % line_size == 0 && b.align >= line_size;
}

// The octets of `line` that lie in the block.
uint64_t part(const Block& b, uintptr_t line) {
  uint64_t octets = ~uint64_t{0};
  if (b.at > line) octets &= ~uint64_t{0} << (b.at - line);
  if (b.at + b.size < line + line_size) octets &= ~(~uint64_t{0} << (b.at + b.size - line));
  return octets;
}

void report(const Line& line, const Block* block) {
  if (faulty == faults_most) return;
  faults[faulty++] = {line, block != nullptr, block != nullptr ? *block : Block{}};
}

int writers_of(const Line& l) {
  int n = 0;
  for (const uint64_t octets : l.octets) n += octets != 0;
  return n;
}

void judge(const Line& l, const Block* block) {
  if (writers_of(l) > 1) {
    if (excused == nullptr || !excused(l.at)) report(l, block);
    return;
  }
  if (block == nullptr || whole_lines(*block)) return;
  for (int w = 0; w < most_writers; ++w)
    if ((l.octets[w] & part(*block, l.at)) != 0 && block->taken_by != w) report(l, block);
}

template <class F>
void for_lines_of(const Block& b, F&& f) {
  for (uintptr_t at = b.at / line_size * line_size; at < b.at + b.size; at += line_size)
    if (Line* l = find_line(at, false)) f(*l);
}

}  // namespace

int record_as(int w) {
  const int was = writer;
  writer = w;
  return was;
}

void excuse(bool (*which)(uintptr_t line)) { excused = which; }

void stored(const void* to, size_t size, const void* where) {
  if (writer == nobody || size == 0) return;
  ++stores[writer];
  uintptr_t at = reinterpret_cast<uintptr_t>(to);
  const uintptr_t end = at + size;
  while (at < end) {
    const uintptr_t first = at / line_size * line_size, next = first + line_size;
    const size_t n = (end < next ? end : next) - at;
    Line& l = *find_line(first, true);
    if (l.octets[writer] == 0) l.where[writer] = where;
    l.octets[writer] |= (n == line_size ? ~uint64_t{0} : (uint64_t{1} << n) - 1) << (at - first);
    at = next;
  }
}

void took(const void* p, size_t size, size_t align, const void* where) {
  static size_t used = 0;
  const auto at = reinterpret_cast<uintptr_t>(p);
  size_t i = place(at / 16, blocks_most);
  while (blocks()[i].at > was_here) i = (i + 1) & (blocks_most - 1);
  if (blocks()[i].at == 0 && ++used > blocks_most / 2) give_up("more blocks than there is room for");
  blocks()[i] = {at, size, align, writer, where};
}

void gave(const void* p) {
  const auto at = reinterpret_cast<uintptr_t>(p);
  size_t i = place(at / 16, blocks_most);
  while (blocks()[i].at != at) {
    if (blocks()[i].at == 0) return;
    i = (i + 1) & (blocks_most - 1);
  }
  const Block b = blocks()[i];
  blocks()[i].at = was_here;
  // Whoever gets the memory next begins with nothing written.
  for_lines_of(b, [&](Line& l) {
    judge(l, &b);
    for (uint64_t& octets : l.octets) octets &= ~part(b, l.at);
  });
}

Totals totals(int w) {
  Totals t{stores[w], 0};
  for (size_t i = 0; i < lines_most; ++i) t.lines += lines()[i].octets[w] != 0;
  return t;
}

void for_each_fault(void (*f)(void* context, const Fault&), void* context) {
  const int was = record_as(nobody);
  const size_t gone = faulty;
  for (size_t i = 0; i < blocks_most; ++i)
    if (const Block& b = blocks()[i]; b.at > was_here && !whole_lines(b))
      for_lines_of(b, [&](const Line& l) {
        if (writers_of(l) == 1) judge(l, &b);
      });
  for (size_t i = 0; i < lines_most; ++i) {
    const Line& l = lines()[i];
    if (writers_of(l) < 2 || (excused != nullptr && excused(l.at))) continue;
    const Block* in = nullptr;
    for (size_t k = 0; k < blocks_most && in == nullptr; ++k)
      if (const Block& b = blocks()[k]; b.at > was_here && b.at < l.at + line_size && b.at + b.size > l.at)
        in = &b;
    judge(l, in);
  }
  for (size_t i = 0; i < faulty; ++i) f(context, faults[i]);
  faulty = gone;
  record_as(was);
}

void forget() {
  for (size_t i = 0; i < lines_most; ++i)
    for (uint64_t& octets : lines()[i].octets) octets = 0;
  for (size_t& n : stores) n = 0;
  faulty = 0;
}

}  // namespace sluice::test::writes
