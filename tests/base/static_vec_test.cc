// SPDX-License-Identifier: Apache-2.0
#include "base/static_vec.h"

#include <gtest/gtest.h>

#include <memory>

namespace sluice {
namespace {

TEST(StaticVec, moving_leaves_the_source_empty_and_the_elements_alive) {
  StaticVec<std::unique_ptr<int>, 4> a;
  a.push(std::make_unique<int>(1));
  a.push(std::make_unique<int>(2));
  StaticVec<std::unique_ptr<int>, 4> b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that is the claim
  ASSERT_EQ(b.size(), 2u);
  EXPECT_EQ(*b[1], 2);
}

TEST(StaticVec, elements_die_with_the_vector) {
  auto shared = std::make_shared<int>(0);
  {
    StaticVec<std::shared_ptr<int>, 2> v;
    v.push(shared);
    v.push(shared);
    v.pop();
    EXPECT_EQ(shared.use_count(), 2);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(StaticVecDeathTest, pushing_past_the_capacity_is_a_broken_invariant) {
  StaticVec<int, 1> v;
  v.push(1);
  EXPECT_DEATH(v.push(2), "broken invariant");
}

}  // namespace
}  // namespace sluice
