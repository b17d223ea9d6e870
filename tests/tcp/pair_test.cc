// SPDX-License-Identifier: Apache-2.0
// Two rooms over a bad link: whatever is written arrives, byte for byte, in bounded time, and all memory
// comes back.
#include <gtest/gtest.h>

#include "support/tcp_pair.h"

namespace sluice::test {
namespace {

struct Case {
  const char* claim;
  LinkOptions link;
  size_t up, down;  // octets a to b, b to a
  Duration limit;
  int seeds;
  tcp::Options options{};
};

tcp::Options small() {
  tcp::Options o;
  o.connections = 64;
  o.time_waits = 64;
  return o;
}

// Adds up what was sent again.
void transfer(const Case& c, uint64_t seed, uint64_t& again) {
  SCOPED_TRACE(std::string{c.claim} + ", seed " + std::to_string(seed));
  const uint32_t packets = packet_pool().packets_free(), headers = packet_pool().headers_free();
  LinkOptions link = c.link;
  link.seed = seed;
  const std::string up = noise(c.up, seed), down = noise(c.down, seed + 1000);
  {
    tcp::Options o = c.options;
    o.connections = o.time_waits = 64;
    Pair p{link, o, o};
    p.b.room.listen({}, Port{80}, 7);
    p.b.pattern.to_send = down;
    const auto id = p.a.room.connect({.remote = host_b, .local = host_a, .remote_port = {80}}, 1, p.now);
    ASSERT_TRUE(id.has_value());
    p.a.pattern.to_send = up;
    const size_t links_a = p.a.links.free(), links_b = p.b.links.free();
    EXPECT_TRUE(p.run(c.limit)) << "in bounded time";
    ASSERT_EQ(p.a.apps.size(), 1u);
    ASSERT_EQ(p.b.apps.size(), 1u);
    const auto &a = p.a.apps.begin()->second, &b = p.b.apps.begin()->second;
    EXPECT_TRUE(b.got == up) << b.got.size() << " of " << up.size();
    EXPECT_TRUE(a.got == down) << a.got.size() << " of " << down.size();
    EXPECT_TRUE(a.closed && b.closed && !a.failed && !b.failed);
    again += p.a.count[Counter::tcp_retransmits] + p.b.count[Counter::tcp_retransmits];
    EXPECT_EQ(p.a.links.free(), links_a);
    EXPECT_EQ(p.b.links.free(), links_b);
    EXPECT_EQ(p.a.chunks.free(), p.a.chunks.size());
    EXPECT_EQ(p.b.chunks.free(), p.b.chunks.size());
    for (size_t s = 0; s < tcp::state_count; ++s)
      if (s != static_cast<size_t>(tcp::State::TimeWait)) {
        EXPECT_EQ(p.a.room.connections(static_cast<tcp::State>(s)), 0u);
        EXPECT_EQ(p.b.room.connections(static_cast<tcp::State>(s)), 0u);
      }
  }
  EXPECT_EQ(packet_pool().packets_free(), packets);
  EXPECT_EQ(packet_pool().headers_free(), headers);
}

tcp::Options without(bool timestamps, bool scaling) {
  tcp::Options o = small();
  o.timestamps = timestamps;
  o.window_scaling = scaling;
  return o;
}

tcp::Options only_cookies(bool timestamps) {
  tcp::Options o = without(timestamps, true);
  o.half_open = 0;
  return o;
}

const Case cases[] = {
    {"a clean link, both ways at once", {}, 300'000, 300'000, 5_s, 2},
    {"one byte", {}, 1, 0, 5_s, 2},
    {"nothing at all", {}, 0, 0, 5_s, 1},
    {"chains and segmentation by the device", {.path = {1500, true, true}}, 600'000, 200'000, 8_s, 2},
    {"chains without segmentation", {.path = {1500, false, true}}, 300'000, 100'000, 8_s, 2},
    {"a jumbo link", {.path = {9000, true, true}}, 300'000, 100'000, 8_s, 2},
    {"a jumbo link of a device without chains", {.path = {9000, false, false}}, 300'000, 100'000, 8_s, 2},
    {"a small MTU", {.path = {576, false, false}}, 100'000, 100'000, 8_s, 2},
    {"1 % loss", {.loss = 0.01}, 300'000, 100'000, 60_s, 20},
    {"5 % loss", {.loss = 0.05}, 150'000, 50'000, 240_s, 20},
    {"20 % loss", {.loss = 0.2}, 20'000, 20'000, 600_s, 10},
    {"reordering", {.reorder = 0.2}, 200'000, 100'000, 60_s, 10},
    {"duplication", {.duplicate = 0.2}, 200'000, 100'000, 30_s, 10},
    {"all of it", {.loss = 0.02, .reorder = 0.1, .duplicate = 0.05}, 150'000, 150'000, 120_s, 30},
    {"all of it, with segmentation by the device",
     {.loss = 0.02, .reorder = 0.1, .duplicate = 0.05, .path = {1500, true, true}},
     150'000,
     150'000,
     120_s,
     20},
    {"all of it, without timestamps",
     {.loss = 0.02, .reorder = 0.1, .duplicate = 0.05},
     100'000,
     100'000,
     120_s,
     10,
     without(false, true)},
    {"all of it, without window scaling",
     {.loss = 0.02, .reorder = 0.1, .duplicate = 0.05},
     100'000,
     100'000,
     120_s,
     10,
     without(true, false)},
    {"all of it, opened with cookies",
     {.loss = 0.02, .reorder = 0.1, .duplicate = 0.05},
     100'000,
     100'000,
     120_s,
     30,
     only_cookies(true)},
    {"all of it, opened with cookies without timestamps",
     {.loss = 0.02, .reorder = 0.1, .duplicate = 0.05},
     100'000,
     100'000,
     120_s,
     10,
     only_cookies(false)},
};

class Transfer : public testing::TestWithParam<Case> {};
TEST_P(Transfer, arrives_byte_for_byte_and_gives_everything_back) {
  uint64_t again = 0;
  for (int seed = 1; seed <= GetParam().seeds; ++seed) {
    transfer(GetParam(), static_cast<uint64_t>(seed), again);
    if (HasFailure()) return;
  }
  const LinkOptions& l = GetParam().link;
  const bool clean = l.loss == 0 && l.reorder == 0 && l.duplicate == 0;
  if (clean) {
    EXPECT_EQ(again, 0u) << "nothing was lost";
  }
  if (l.loss > 0) {
    EXPECT_GT(again, 0u) << "the link did lose";
  }
}
INSTANTIATE_TEST_SUITE_P(Links, Transfer, testing::ValuesIn(cases), [](const auto& i) {
  std::string name = i.param.claim;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

// What the two ends use after b listened so, and its route said so.
tcp::Algorithm used(tcp::Algorithm room, std::optional<tcp::Algorithm> listener,
                    std::optional<tcp::Algorithm> route) {
  tcp::Options o = small();
  o.congestion = room;
  Pair p{{.path = {.congestion = route}}, small(), o};
  p.b.room.listen({}, Port{80}, 7, listener);
  p.a.pattern.close_when_sent = p.b.pattern.close_when_sent = false;
  EXPECT_TRUE(p.a.room.connect({.remote = host_b, .local = host_a, .remote_port = {80}}, 1, p.now));
  p.run(1_s);
  const uint64_t key = p.b.apps.begin()->first;
  const auto info = p.b.room.info({static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
  EXPECT_TRUE(info && info->state == tcp::State::Established && info->sack && info->timestamps);
  return info ? info->congestion : tcp::Algorithm::Cubic;
}

// Of two listeners one has limits of its own: what becomes of b's connections when a falls silent.
TEST(ListenerLimits, hold_for_the_connections_of_that_listener_alone) {
  struct Silence {
    const char* claim;
    tcp::ListenerLimits limits;
    size_t writes;  // octets, as the silence begins
    Counter cause;
  };
  for (const Silence& s :
       {Silence{"keepalive",
                {.keepalive = 5_s, .keepalive_interval = 1_s, .keepalive_probes = 3},
                0,
                Counter::tcp_gave_up_keepalive},
        Silence{"user timeout", {.user_timeout = 3_s}, 100, Counter::tcp_gave_up_user_timeout},
        Silence{"retries", {.retries = 2}, 100, Counter::tcp_gave_up_retries}}) {
    SCOPED_TRACE(s.claim);
    Pair p{{}, small(), small()};
    p.b.room.listen({}, Port{80}, 7, {}, s.limits);
    p.b.room.listen({}, Port{81}, 7);
    p.a.pattern.close_when_sent = p.b.pattern.close_when_sent = false;
    for (const Port port : {Port{80}, Port{81}})
      ASSERT_TRUE(p.a.room.connect({.remote = host_b, .local = host_a, .remote_port = port}, 1, p.now));
    p.run(1_s);
    ASSERT_EQ(p.b.apps.size(), 2u);
    p.link.loss = 1;
    for (auto& [key, app] : p.b.apps) {
      app.to_send = noise(s.writes, 1);
      p.b.room.wake({static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
    }
    p.run(20_s);
    EXPECT_EQ(p.b.apps.begin()->second.failed + p.b.apps.rbegin()->second.failed, 1);
    EXPECT_EQ(p.b.count[s.cause], 1u);
    EXPECT_EQ(p.b.room.connections(tcp::State::Established), 1u);
  }
}

// More changes than fit an octet, while nothing was sent.
TEST(Changes, of_paths_are_noticed_however_many_there_were) {
  Pair p{{}, small(), small()};
  p.b.room.listen({}, Port{80}, 7);
  p.a.pattern.close_when_sent = p.b.pattern.close_when_sent = false;
  ASSERT_TRUE(p.a.room.connect({.remote = host_b, .local = host_a, .remote_port = {80}}, 1, p.now));
  p.run(1_s);
  auto& [key, app] = *p.b.apps.begin();
  const buf::StreamId id{static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
  p.b.path.mtu = 600;
  for (int i = 0; i < 256; ++i) p.b.room.paths_changed();
  app.to_send = noise(5'000, 1);
  p.b.room.wake(id);
  p.run(1_s);
  EXPECT_EQ(p.a.apps.begin()->second.got, app.to_send);
  EXPECT_LE(p.b.room.info(id)->mss, 560u);
}

TEST(Choice, the_route_says_then_the_listener_then_the_room) {
  using enum tcp::Algorithm;
  EXPECT_EQ(used(Cubic, {}, {}), Cubic);
  EXPECT_EQ(used(Reno, {}, {}), Reno);
  EXPECT_EQ(used(Reno, Cubic, {}), Cubic);
  EXPECT_EQ(used(Cubic, Reno, {}), Reno);
  EXPECT_EQ(used(Cubic, Reno, Cubic), Cubic);
  EXPECT_EQ(used(Cubic, Bbr, {}), Bbr);
  EXPECT_EQ(used(Cubic, Reno, Bbr), Bbr);
}

}  // namespace
}  // namespace sluice::test
