// SPDX-License-Identifier: Apache-2.0
#include "app/load/flood.h"

#include <gtest/gtest.h>

#include <set>

#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include "wire/tcp_options.h"

namespace sluice::load {
namespace {

constexpr Mac ours{{2, 0, 0, 0, 0, 1}}, peers{{2, 0, 0, 0, 0, 2}};

TEST(Flood, every_syn_is_proper_and_each_from_somewhere_else) {
  const Ip4Addr server = Ip4Addr::of(198, 18, 0, 1);
  const Prefix from{Ip4Addr::of(10, 20, 3, 4), 14};
  const Flood flood{ours, peers, server, {80}, from};
  Rng rng{1};
  std::set<uint32_t> sources, numbers;
  for (int i = 0; i < 2'000; ++i) {
    std::array<uint8_t, Flood::length> b{};
    flood.write(b.data(), rng);
    EXPECT_EQ(wire::Ethernet::parse(b)->dst(), peers);
    const auto ip = wire::Ip4::parse(Bytes{b}.subspan(14));
    ASSERT_TRUE(ip);
    EXPECT_TRUE(ip->good_checksum());
    EXPECT_EQ(ip->dst(), server);
    EXPECT_TRUE(from.contains(ip->src()));
    EXPECT_EQ(wire::pseudo_header(ip->src(), ip->dst(), 6, static_cast<uint32_t>(ip->payload().size()))
                  .add(ip->payload())
                  .folded(),
              0xffff);
    const auto tcp = wire::Tcp::parse(ip->payload());
    ASSERT_TRUE(tcp);
    EXPECT_EQ(tcp->flags(), wire::tcp_flag::syn);
    EXPECT_EQ(tcp->dst(), Port{80});
    EXPECT_GE(tcp->src().v, 1024);
    EXPECT_EQ(wire::TcpOptions::parse(tcp->options())->mss, 1460);
    sources.insert(ip->src().v);
    numbers.insert(tcp->seq().v);
  }
  EXPECT_GT(sources.size(), 1'900u);
  EXPECT_GT(numbers.size(), 1'990u);
}

}  // namespace
}  // namespace sluice::load
