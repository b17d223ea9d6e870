// SPDX-License-Identifier: Apache-2.0
// How fast: windows of connections that pause, pacing, windows that widen, and what a connection tells of its
// rate.
#include <gtest/gtest.h>

#include "sacked.h"

namespace sluice::test {
namespace {

using tcp::State;

// ---- RFC 6298, RFC 5681 §4.1

TEST(Idle, a_window_shrinks_while_nothing_is_sent) {
  auto t = open(sacks());
  for (uint32_t round = 0, seq = 1; round < 3; ++round) {
    const uint32_t n = t.conn().congestion().window() / 1000 + 1;
    t.write(n * 1000);
    tcp::Segment s;
    while (t.conn().next_segment(t.now, s)) seq += s.text;
    t.after(40_ms).gets({.ack = seq});
    while (t.conn().next_segment(t.now, s)) seq += s.text;
    t.after(40_ms).gets({.ack = seq});
  }
  EXPECT_GT(t.conn().congestion().window(), 20'000u);
  t.after(10_s).write(100).sends({.len = 100}).counted(Counter::tcp_idle_restarts, 1);
  EXPECT_EQ(t.conn().congestion().window(), 10'000u);
}

TEST(Idle, a_window_that_the_application_does_not_fill_does_not_grow) {
  auto t = open(sacks());
  for (uint32_t i = 0; i < 50; ++i)
    t.write(1000).sends({.len = 1000}).after(40_ms).gets({.ack = 1001 + 1000 * i});
  EXPECT_EQ(t.conn().congestion().window(), 10'000u);
}

// ---- pacing

TEST(Pacing, the_initial_window_goes_at_once_and_the_next_one_spread_over_half_a_round_trip) {
  auto t = open(sacks().with([](World& w) { w.options.pacing = true; }), 100_ms);
  t.write(60'000);
  for (uint32_t i = 0; i < 10; ++i) t.sends({.seq = 1 + 1000 * i, .len = 1000});
  t.quiet().after(100_ms).gets({.ack = 10'001});  // 20 segments in 50 ms: one each 2.5 ms
  const Instant from = t.now;
  uint32_t sent = 0;
  tcp::Segment s;
  while (t.conn().next_segment(t.now, s)) ++sent;
  EXPECT_LE(sent, 2u);
  while (sent < 20 && t.now - from < 90_ms) {
    t.fires_after(t.conn().deadline() - t.now);
    while (t.conn().next_segment(t.now, s)) ++sent;
  }
  EXPECT_EQ(sent, 20u);
  EXPECT_NEAR(static_cast<double>((t.now - from).us()), 47'500, 3'000);
}

TEST(Pacing, a_window_no_larger_than_the_first_one_does_not_wait) {
  auto t = open(sacks().with([](World& w) { w.options.pacing = true; }), 100_ms);
  t.write(100'000);
  for (uint32_t i = 0; i < 10; ++i) t.sends({.seq = 1 + 1000 * i, .len = 1000});
  // The first is lost: the window comes down to 7, and all that may go goes at once.
  t.after(100_ms).gets({.ack = 1, .sack = {{1001, 10'001}}});
  t.sends({.seq = 1, .len = 1000});
  EXPECT_EQ(t.conn().congestion().threshold(), 7'000u);
  t.after(100_ms).gets({.ack = 10'001});
  uint32_t sent = 0;
  tcp::Segment s;
  while (t.conn().next_segment(t.now, s)) sent += s.text;
  EXPECT_EQ(t.conn().pipe(), t.conn().congestion().window());
  EXPECT_GE(sent, 5'000u);
}

TEST(Pacing, the_window_grows_though_text_waits_for_its_turn) {
  auto t = open(sacks().with([](World& w) { w.options.pacing = true; }), 100_ms);
  t.write(200'000);
  tcp::Segment s;
  std::vector<std::pair<Instant, uint32_t>> flying;  // arrives, end
  const Instant end = t.now + 450_ms;
  while (t.now < end) {
    while (t.conn().next_segment(t.now, s))
      flying.emplace_back(t.now + 100_ms, s.seq.v + s.text - t.world().iss);
    const Instant arrives = flying.empty() ? Instant::never() : flying.front().first;
    const Instant next = std::min({arrives, t.conn().deadline(), end});
    t.now = std::max(t.now, next);
    if (arrives <= t.now) {
      t.gets({.ack = flying.front().second});
      flying.erase(flying.begin());
    } else {
      t.conn().on_deadline(t.now);
    }
  }
  EXPECT_GE(t.conn().congestion().window(), 80'000u) << "four round trips of slow start";
}

// ---- receiving: windows and when to acknowledge

TEST(Receive, the_first_segments_are_acknowledged_at_once) {
  auto t = open(sacks().with([](World& w) { w.options.quick_acks = 3; }));
  for (uint32_t i = 1; i <= 3; ++i) t.gets({.len = 1000}).sends({.ack = 1 + 1000 * i}).quiet();
  t.gets({.len = 1000}).quiet().fires_after(40_ms).sends({.ack = 4001});
}

World scaled() {
  return sacks().with([](World& w) {
    w.options.window_scaling = true;
    w.options.receive_window = 65'536;
    w.options.receive_buffer = 1'048'576;
    w.syn.shift = 7;
  });
}

TEST(Receive, the_window_widens_while_the_service_consumes_what_comes) {
  auto t = open(scaled());
  uint32_t offered = 0;
  for (uint32_t round = 0; round < 10; ++round) {
    const uint32_t n = t.conn().rcv_wnd() / 1000 - 1;  // the peer uses the window it has
    for (uint32_t i = 0; i < n; ++i) t.gets({.len = 1000}).reads(1000);
    tcp::Segment s;
    while (t.conn().next_segment(t.now, s)) {
    }
    EXPECT_GE(t.conn().rcv_wnd() + 2000, offered) << "never narrower";
    offered = t.conn().rcv_wnd();
    t.after(41_ms);
  }
  EXPECT_GE(offered, 900'000u);
  EXPECT_LE(offered, 1'048'576u + 31) << "the ceiling";
}

TEST(Receive, the_window_stays_while_the_service_does_not_read) {
  auto t = open(scaled());
  for (uint32_t i = 0; i < 40; ++i) t.gets({.len = 1000}).after(41_ms);
  t.counted(Counter::tcp_windows_grown, 0);
}

// ---- introspection

TEST(Info, tells_what_the_connection_does) {
  auto t = open(sacks());
  t.write(20'000);
  for (uint32_t i = 0; i < 10; ++i) t.sends({.len = 1000});
  tcp::Info info = t.conn().info();
  EXPECT_EQ(info.state, State::Established);
  EXPECT_EQ(info.in_flight, 10'000u);
  EXPECT_EQ(info.unsent, 10'000u);
  EXPECT_EQ(info.srtt, 40_ms);
  EXPECT_EQ(info.ssthresh, UINT32_MAX);
  t.after(40_ms).gets({.ack = 1, .sack = {{1001, 10'001}}});
  info = t.conn().info();
  EXPECT_TRUE(info.recovering);
  EXPECT_EQ(info.pipe, 0u);
  t.sends({.seq = 1, .len = 1000}).after(40_ms).gets({.ack = 10'001, .len = 500});
  info = t.conn().info();
  EXPECT_EQ(info.retransmits, 1u);
  EXPECT_EQ(info.acked, 10'000u);
  EXPECT_EQ(info.received, 500u);
}

// A service that writes little shows nothing of what the path can do.
TEST(Info, a_rate_measured_without_enough_text_is_marked_and_lowers_nothing) {
  auto t = open(sacks());
  t.write(50'000);
  const auto sends_all = [&t] {
    for (tcp::Segment s; t.conn().next_segment(t.now, s);) continue;
  };
  sends_all();
  t.after(39_ms);
  for (uint32_t i = 1; i <= 50; ++i, sends_all()) t.after(1_ms).gets({.ack = 1000 * i + 1});
  const uint64_t full = t.conn().info().delivery_rate;
  EXPECT_GT(full, 500'000u);
  EXPECT_FALSE(t.conn().info().rate_limited);
  uint32_t seq = 50'001;
  for (int i = 0; i < 4; ++i, seq += 2000) {  // two segments, and before they are acknowledged one more
    t.write(1000).sends({.seq = seq, .len = 1000}).after(20_ms);
    t.write(1000).sends({.seq = seq + 1000, .len = 1000}).after(20_ms);
    t.gets({.ack = seq + 1000}).after(20_ms).gets({.ack = seq + 2000});
    EXPECT_EQ(t.conn().info().delivery_rate, full);
  }
}

TEST(Info, the_delivery_rate_is_what_the_path_delivers) {
  auto t = open(sacks());
  t.write(100'000);
  tcp::Segment s;
  while (t.conn().next_segment(t.now, s)) {
  }
  t.after(30_ms);
  for (uint32_t i = 1; i <= 40; ++i) {  // a path of 1000 octets a millisecond
    t.after(1_ms).gets({.ack = 1 + 1000 * i});
    while (t.conn().next_segment(t.now, s)) {
    }
  }
  EXPECT_NEAR(static_cast<double>(t.conn().info().delivery_rate), 1'000'000, 100'000);
}

}  // namespace
}  // namespace sluice::test
