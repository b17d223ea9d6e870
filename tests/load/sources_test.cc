// SPDX-License-Identifier: Apache-2.0
#include "app/load/sources.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice::load {
namespace {

TEST(Sources, every_place_comes_once_before_any_comes_again) {
  Sources s{Ip4Addr::of(198, 18, 0, 2), 3};
  std::set<std::pair<IpAddr, uint16_t>> seen;
  for (uint64_t i = 0; i < s.places(); ++i) {
    const auto p = s.next();
    EXPECT_TRUE(s.has(p.addr));
    EXPECT_GE(p.port.v, Sources::first_port);
    EXPECT_TRUE(seen.insert({p.addr, p.port.v}).second) << i;
  }
  EXPECT_EQ(seen.size(), 3u * 64'512);
  EXPECT_TRUE(seen.contains({Ip4Addr::of(198, 18, 0, 2), 1024}));
}

TEST(Sources, neighbours_of_ours_are_not_ours) {
  const Sources s{Ip4Addr::of(198, 18, 0, 2), 3};
  EXPECT_FALSE(s.has(Ip4Addr::of(198, 18, 0, 1)));
  EXPECT_TRUE(s.has(Ip4Addr::of(198, 18, 0, 4)));
  EXPECT_FALSE(s.has(Ip4Addr::of(198, 18, 0, 5)));
  EXPECT_FALSE(s.has(Ip6Addr::of(0, 0, 0, 0, 0, 0, 0xc612, 4))) << "::198.18.0.4 is another";
}

TEST(Sources, of_ip6_count_beyond_a_group) {
  const Sources s{Ip6Addr::of(0x2001, 2, 0, 0, 0, 0, 0, 0xffff), 3};
  EXPECT_EQ(s.address(2), IpAddr{Ip6Addr::of(0x2001, 2, 0, 0, 0, 0, 1, 1)});
  EXPECT_EQ(s.address(3), s.address(0));
  EXPECT_TRUE(s.has(Ip6Addr::of(0x2001, 2, 0, 0, 0, 0, 1, 1)));
  EXPECT_FALSE(s.has(Ip6Addr::of(0x2001, 3, 0, 0, 0, 0, 1, 1)));
}

}  // namespace
}  // namespace sluice::load
