// SPDX-License-Identifier: Apache-2.0
#include "base/slab.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/list.h"

namespace sluice {
namespace {

TEST(Slab, refuses_when_full_and_takes_again_what_was_given_back) {
  Slab<int> s{2};
  EXPECT_EQ(s.take(1), 0u);
  const uint32_t b = s.take(2);
  EXPECT_EQ(s.take(3), no_index);
  s.give(b);
  EXPECT_EQ(s.size(), 1u);
  EXPECT_EQ(s.take(4), b);
  EXPECT_EQ(s[b], 4);
}

TEST(Slab, a_name_never_means_a_later_object) {
  Slab<int> s{1};
  const uint32_t i = s.take(1), g = s.generation(i);
  EXPECT_EQ(*s.find(i, g), 1);
  s.give(i);
  EXPECT_EQ(s.find(i, g), nullptr);
  s.take(2);
  EXPECT_EQ(s.find(i, g), nullptr);
}

TEST(Slab, ends_what_is_alive_when_it_dies) {
  auto counted = std::make_shared<int>(0);
  {
    Slab<std::shared_ptr<int>> s{3};
    s.take(counted);
    s.give(s.take(counted));
    s.take(counted);
    EXPECT_EQ(counted.use_count(), 3);
  }
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(IndexList, keeps_order_and_each_index_once) {
  IndexList l{5};
  for (uint32_t i : {3u, 1u, 4u, 1u}) l.push_back(i);
  EXPECT_EQ(l.size(), 3u);
  l.erase(1);
  l.erase(1);
  EXPECT_FALSE(l.contains(1));
  l.push_back(0);
  EXPECT_EQ(l.pop_front(), 3u);
  EXPECT_EQ(l.pop_front(), 4u);
  EXPECT_EQ(l.pop_front(), 0u);
  EXPECT_EQ(l.pop_front(), no_index);
  EXPECT_TRUE(l.empty());
}

}  // namespace
}  // namespace sluice
