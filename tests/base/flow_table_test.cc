// SPDX-License-Identifier: Apache-2.0
#include "base/flow_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/rng.h"

namespace sluice {
namespace {

// Hashes drawn from few values, so that probing, equal tags and closing gaps happen all the time.
TEST(FlowTable, agrees_with_a_map_through_any_sequence) {
  Rng rng{3};
  FlowTable t{64};
  std::map<uint32_t, uint64_t> model;  // index to hash
  for (int i = 0; i < 200'000; ++i) {
    const auto index = static_cast<uint32_t>(rng.below(64));
    if (const auto it = model.find(index); it != model.end()) {
      EXPECT_EQ(t.find(it->second, [&](uint32_t x) { return x == index; }), index);
      if (rng.chance(0.5)) {
        t.erase(it->second, index);
        model.erase(it);
      }
    } else {
      const uint64_t hash = rng.below(20) * 0x1'0000'0007;
      EXPECT_EQ(t.find(hash, [&](uint32_t x) { return x == index; }), no_index);
      t.insert(hash, index);
      model[index] = hash;
    }
    ASSERT_EQ(t.size(), model.size());
  }
  for (const auto& [index, hash] : model)
    EXPECT_EQ(t.find(hash, [&, i = index](uint32_t x) { return x == i; }), index);
}

// Three quarters full is the worst there is; linear probing then needs 8.5 steps on average to find nothing.
TEST(FlowTable, a_full_table_of_a_million_and_a_half_is_searched_in_few_steps_for_ever) {
  constexpr uint32_t many = (1u << 21) / 4 * 3;
  Rng rng{7};
  FlowTable t{many};
  std::vector<uint64_t> hashes(many);
  for (uint32_t i = 0; i < many; ++i) t.insert(hashes[i] = rng(), i);
  for (int round = 0; round < 2; ++round) {
    uint64_t sum = 0;
    uint32_t most = 0;
    constexpr uint32_t looks = 200'000;
    for (uint32_t n = 0; n < looks; ++n) {
      const uint32_t steps = t.steps(rng());
      sum += steps;
      most = std::max(most, steps);
    }
    EXPECT_LT(sum, looks * 10u) << round;
    EXPECT_LT(most, 1'000u) << round;
    for (uint32_t i = 0; i < many; ++i) {  // all give way to others: nothing of them stays behind
      t.erase(hashes[i], i);
      t.insert(hashes[i] = rng(), i);
    }
  }
}

TEST(FlowTable, compares_no_key_of_another_hash) {
  FlowTable t{8};
  t.insert(1, 0);
  t.insert(17, 1);  // the same home in a table of 16
  int compared = 0;
  EXPECT_EQ(t.find(33, [&](uint32_t) { return ++compared, true; }), no_index);
  EXPECT_EQ(compared, 0);
}

}  // namespace
}  // namespace sluice
