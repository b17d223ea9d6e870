// SPDX-License-Identifier: Apache-2.0
// Who wrote which octets. The compiler is asked to tell of every store of the code under test, the way it
// tells ThreadSanitizer (-fsanitize=thread), and what it calls is in told.cc instead of in that library:
// plain stores, atomic ones and read-modify-writes, copies and fills of memory. Untold is what libraries do
// that were built without (DPDK's own, libc), and stores of odd sizes, which no field of ours has.
//
// The threads take turns: two never record at once.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::test::writes {

constexpr int nobody = -1;
constexpr int most_writers = 3;

// From now on this thread's stores are this writer's. Returns whose they were.
int record_as(int writer);

// Code of the harness within a writer's turn.
class Aside {
 public:
  Aside() : was_{record_as(nobody)} {}
  ~Aside() { record_as(was_); }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

 private:
  int was_;
};

// Lines that more than one may write, because they are handed over from one to the other.
void excuse(bool (*which)(uintptr_t line));

struct Line {
  uintptr_t at;
  uint64_t octets[most_writers];    // [writer], a bit for each octet that was written
  const void* where[most_writers];  // [writer], the code that wrote first
};
// What was taken with `new`. Its lines are its own when it begins with one and is whole lines long, by what
// was asked for and not by luck.
struct Block {
  uintptr_t at;
  size_t size, align;
  int taken_by;       // nobody: before the writers began, or by the harness
  const void* where;  // the code that took it
};
// Two writers of one line; or one writer of a block that it did not take itself and whose lines are not its
// own, so that another's may lie beside it the next time.
struct Fault {
  Line line;
  bool in_block;
  Block block;
};
// Those in blocks that are gone too.
void for_each_fault(void (*f)(void* context, const Fault&), void* context);

struct Totals {
  size_t stores, lines;
};
Totals totals(int writer);

// As if nothing had been written.
void forget();

}  // namespace sluice::test::writes
