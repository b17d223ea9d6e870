// SPDX-License-Identifier: Apache-2.0
#include "app/load/sequence.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::load {
namespace {

using V = Sequence::Verdict;

struct Case {
  const char* claim;
  std::vector<uint32_t> numbers;
  std::vector<V> verdicts;
};

TEST(Sequence, tells_order_from_disorder) {
  const Case cases[] = {
      {"one after the other", {0, 1, 2}, {V::InOrder, V::InOrder, V::InOrder}},
      {"a gap is no disorder", {0, 5, 6}, {V::InOrder, V::InOrder, V::InOrder}},
      {"the first need not be number 0", {700, 701}, {V::InOrder, V::InOrder}},
      {"twice", {0, 0}, {V::InOrder, V::Duplicate}},
      {"twice, later", {0, 1, 2, 1}, {V::InOrder, V::InOrder, V::InOrder, V::Duplicate}},
      {"overtaken", {0, 2, 1, 3}, {V::InOrder, V::InOrder, V::Reordered, V::InOrder}},
      {"overtaken, and twice", {0, 2, 1, 1}, {V::InOrder, V::InOrder, V::Reordered, V::Duplicate}},
      {"63 behind is remembered", {0, 64, 1, 1}, {V::InOrder, V::InOrder, V::Reordered, V::Duplicate}},
      {"64 behind is not", {0, 65, 1, 1}, {V::InOrder, V::InOrder, V::Ancient, V::Ancient}},
      {"a jump forgets", {0, 1, 200, 199}, {V::InOrder, V::InOrder, V::InOrder, V::Reordered}},
      {"over the end of the numbers",
       {0xffff'fffe, 0xffff'ffff, 0, 0xffff'ffff},
       {V::InOrder, V::InOrder, V::InOrder, V::Duplicate}},
  };
  for (const Case& c : cases) {
    Sequence s;
    if (c.numbers[0] > 0x8000'0000) s.see(0x7000'0000), s.see(0xe000'0000), s.see(0xffff'fff0);
    for (size_t i = 0; i < c.numbers.size(); ++i)
      EXPECT_EQ(s.see(c.numbers[i]), c.verdicts[i]) << c.claim << " " << i;
  }
}

}  // namespace
}  // namespace sluice::load
