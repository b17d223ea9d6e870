// SPDX-License-Identifier: Apache-2.0
#include "base/flow_table.h"

#include <gtest/gtest.h>

#include <map>

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
