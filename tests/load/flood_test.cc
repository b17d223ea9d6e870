// SPDX-License-Identifier: Apache-2.0
#include "app/load/flood.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcp.h"
#include "wire/tcp_options.h"

namespace sluice::load {
namespace {

constexpr Mac ours{{2, 0, 0, 0, 0, 1}}, peers{{2, 0, 0, 0, 0, 2}};

struct Case {
  IpAddr server;
  Prefix from;
  uint16_t mss;
};

class FloodTest : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(
    Flood, FloodTest,
    testing::Values(Case{Ip4Addr::of(198, 18, 0, 1), {Ip4Addr::of(10, 20, 3, 4), 14}, 1460},
                    Case{Ip6Addr::of(0x2001, 2, 0, 0, 0, 0, 0, 1),
                         {Ip6Addr::of(0x2001, 2, 1, 2, 3, 4, 5, 6), 46},
                         1440}));

TEST_P(FloodTest, every_syn_is_proper_and_each_from_somewhere_else) {
  const Case& c = GetParam();
  const Flood flood{ours, peers, c.server, {80}, c.from};
  Rng rng{1};
  std::set<IpAddr> sources;
  std::set<uint32_t> numbers;
  for (int i = 0; i < 2'000; ++i) {
    std::vector<uint8_t> b(flood.length(), 0xff);
    EXPECT_GE(b.size(), 60u);
    flood.write(b.data(), rng);
    EXPECT_EQ(wire::Ethernet::parse(b)->dst(), peers);
    IpAddr src, dst;
    Bytes carried;
    if (c.server.is_v4()) {
      const auto ip = wire::Ip4::parse(Bytes{b}.subspan(14));
      ASSERT_TRUE(ip);
      EXPECT_TRUE(ip->good_checksum());
      src = ip->src(), dst = ip->dst(), carried = ip->payload();
    } else {
      const auto ip = wire::Ip6::parse(Bytes{b}.subspan(14));
      ASSERT_TRUE(ip);
      src = ip->src(), dst = ip->dst(), carried = ip->payload();
    }
    EXPECT_EQ(dst, c.server);
    EXPECT_TRUE(c.from.contains(src)) << to_text(src);
    EXPECT_EQ(wire::pseudo_header(src, dst, 6, static_cast<uint32_t>(carried.size())).add(carried).folded(),
              0xffff);
    const auto tcp = wire::Tcp::parse(carried);
    ASSERT_TRUE(tcp);
    EXPECT_EQ(tcp->flags(), wire::tcp_flag::syn);
    EXPECT_EQ(tcp->dst(), Port{80});
    EXPECT_GE(tcp->src().v, 1024);
    EXPECT_EQ(wire::TcpOptions::parse(tcp->options())->mss, c.mss);
    sources.insert(src);
    numbers.insert(tcp->seq().v);
  }
  EXPECT_GT(sources.size(), 1'900u);
  EXPECT_GT(numbers.size(), 1'990u);
}

}  // namespace
}  // namespace sluice::load
