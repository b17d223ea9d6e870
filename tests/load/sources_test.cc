// SPDX-License-Identifier: Apache-2.0
#include "app/load/sources.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice::load {
namespace {

TEST(Sources, every_place_comes_once_before_any_comes_again) {
  Sources s{Ip4Addr::of(198, 18, 0, 2), 3};
  std::set<uint64_t> seen;
  for (uint64_t i = 0; i < s.places(); ++i) {
    const auto p = s.next();
    EXPECT_TRUE(s.has(p.addr));
    EXPECT_GE(p.port.v, Sources::first_port);
    EXPECT_TRUE(seen.insert(uint64_t{p.addr.v} << 16 | p.port.v).second) << i;
  }
  EXPECT_EQ(seen.size(), 3u * 64'512);
  EXPECT_TRUE(seen.contains(uint64_t{Ip4Addr::of(198, 18, 0, 2).v} << 16 | 1024));
}

TEST(Sources, neighbours_of_ours_are_not_ours) {
  const Sources s{Ip4Addr::of(198, 18, 0, 2), 3};
  EXPECT_FALSE(s.has(Ip4Addr::of(198, 18, 0, 1)));
  EXPECT_TRUE(s.has(Ip4Addr::of(198, 18, 0, 4)));
  EXPECT_FALSE(s.has(Ip4Addr::of(198, 18, 0, 5)));
}

}  // namespace
}  // namespace sluice::load
