// SPDX-License-Identifier: Apache-2.0
#include "base/huge_vector.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace sluice {
namespace {

TEST(HugeVector, a_large_one_begins_at_a_huge_page) {
  const HugeVector<uint64_t> v(1'000'000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(v.data()) % HugeAllocator<uint64_t>::page, 0u);
}

TEST(HugeVector, keeps_what_is_in_it_while_it_grows_past_a_page_and_shrinks_again) {
  HugeVector<uint32_t> v;
  for (uint32_t i = 0; i < 2'000'000; ++i) v.push_back(i * 7);
  v.resize(600'000);
  v.shrink_to_fit();
  for (uint32_t i = 0; i < v.size(); ++i) ASSERT_EQ(v[i], i * 7);
  v.resize(10);
  v.shrink_to_fit();
  EXPECT_EQ(v[9], 63u);
  HugeVector<uint32_t> other{v};
  other = std::move(v);
  EXPECT_EQ(other.size(), 10u);
}

}  // namespace
}  // namespace sluice
