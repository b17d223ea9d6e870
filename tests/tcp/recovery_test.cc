// SPDX-License-Identifier: Apache-2.0
// Loss and what is done about it: SACK both ways, RACK-TLP, timeouts, and finding out that nothing was lost.
#include <gtest/gtest.h>

#include "support/script.h"

namespace sluice::test {
namespace {

using tcp::State;
constexpr uint8_t syn = Script::syn, ack = Script::ack;
constexpr uint8_t ece = wire::tcp_flag::ece, cwr = wire::tcp_flag::cwr;

World sacks() {
  return World{}.with([](World& w) {
    w.options.sack = true;
    w.options.pacing = false;
    w.syn.sack_permitted = true;
  });
}
World stamped_sacks() {
  return sacks().with([](World& w) {
    w.options.timestamps = true;
    w.syn.ts = {1000, 0};
    w.syn.mss = 1012;  // 1000 octets beside timestamps
  });
}

// Established over a path with this round trip.
Script open(const World& w, Duration rtt = 40_ms) {
  Script s = Script::passive(w);
  s.sends({.seq = 0, .ack = 1, .flags = syn | ack}).after(rtt);
  if (w.options.timestamps)
    s.gets({.ack = 1, .ts = {{1001, 1000}}});
  else
    s.gets({.ack = 1});
  s.quiet();
  s.events();
  return s;
}
// `n` full segments are written and sent, from `seq` on.
void send(Script& t, uint32_t n, uint32_t seq = 1) {
  t.write(n * 1000);
  for (uint32_t i = 0; i < n; ++i) t.sends({.seq = seq + 1000 * i, .len = 1000});
  t.quiet();
}

// ---- RFC 2018, 2883: what we tell

TEST(Sack, is_offered_in_the_syn_and_permitted_in_its_answer) {
  Script::active(sacks()).sends({.seq = 0, .flags = syn, .sack_permitted = true});
  Script::passive(sacks()).sends({.seq = 0, .flags = syn | ack, .sack_permitted = true});
}

TEST(Sack, is_not_used_with_a_peer_that_does_not_permit_it) {
  auto t = Script::passive(sacks().with([](World& w) { w.syn.sack_permitted = false; }));
  t.sends({.flags = syn | ack});
  EXPECT_FALSE(t.last.options.sack_permitted);
  t.gets({.ack = 1}).gets({.seq = 1001, .len = 1000}).sends({.ack = 1});
  EXPECT_TRUE(t.last.options.sacks.empty());
}

TEST(Sack, the_block_that_came_last_is_told_first_and_the_others_after_it) {
  auto t = open(sacks());
  t.gets({.seq = 1001, .len = 1000}).sends({.ack = 1, .sack = {{1001, 2001}}});
  t.gets({.seq = 3001, .len = 1000}).sends({.ack = 1, .sack = {{3001, 4001}, {1001, 2001}}});
  t.gets({.seq = 5001, .len = 1000}).sends({.ack = 1, .sack = {{5001, 6001}, {3001, 4001}, {1001, 2001}}});
  t.gets({.seq = 2001, .len = 500}).sends({.ack = 1, .sack = {{1001, 2501}, {5001, 6001}, {3001, 4001}}});
  t.gets({.seq = 1, .len = 1000}).sends({.ack = 2501, .sack = {{5001, 6001}, {3001, 4001}}}).quiet();
}

TEST(Sack, four_blocks_fit_and_three_beside_timestamps) {
  for (const bool stamped : {false, true}) {
    auto t = open(stamped ? stamped_sacks() : sacks());
    for (uint32_t i = 0; i < 5; ++i) {
      Line l{.seq = 1001 + 2000 * i, .len = 1000};
      if (stamped) l.ts = {{1002, 1000}};
      t.gets(l).sends({.ack = 1});
    }
    EXPECT_EQ(t.last.options.sacks.size(), stamped ? 3 : 4);
    EXPECT_LE(t.last.options.size(), 40);
  }
}

TEST(Sack, a_burst_out_of_order_is_told_by_one_acknowledgement) {
  auto t = open(sacks());
  for (uint32_t i = 0; i < 6; ++i) t.gets({.seq = 1001 + 1000 * i, .len = 1000});
  t.sends({.ack = 1, .sack = {{1001, 7001}}}).quiet();
}

TEST(Sack, what_came_twice_is_told_first) {
  auto t = open(sacks());
  t.gets({.len = 1000}).gets({.len = 1000}).sends({.ack = 2001}).quiet();
  t.gets({.seq = 1, .len = 1000}).sends({.ack = 2001, .sack = {{1, 1001}}}).quiet();
  t.gets({.seq = 3001, .len = 1000}).sends({.ack = 2001, .sack = {{3001, 4001}}});
  t.gets({.seq = 3001, .len = 1000}).sends({.ack = 2001, .sack = {{3001, 4001}, {3001, 4001}}});
  t.counted(Counter::tcp_dsacks_out, 2);
}

TEST(Sack, blocks_go_before_text_not_beside_it) {
  auto t = open(sacks());
  t.gets({.seq = 1001, .len = 1000}).write(1000);
  t.sends({.seq = 1, .ack = 1, .sack = {{1001, 2001}}}).sends({.seq = 1, .len = 1000});
  EXPECT_TRUE(t.last.options.sacks.empty());
}

// ---- RFC 8985 §6, RFC 6675: what was lost

TEST(Rack, three_segments_beyond_a_hole_have_it_sent_again_at_once) {
  auto t = open(sacks());
  send(t, 6);
  t.after(40_ms).gets({.ack = 1, .sack = {{1001, 3001}}}).quiet();
  t.gets({.ack = 1, .sack = {{1001, 4001}}}).sends({.seq = 1, .len = 1000}).quiet();
  t.counted(Counter::tcp_recoveries_rack, 1).after(40_ms).gets({.ack = 6001}).quiet();
  EXPECT_FALSE(t.conn().recovering());
}

TEST(Rack, fewer_than_three_wait_a_quarter_of_a_round_trip_for_reordering) {
  auto t = open(sacks());
  send(t, 3);
  t.after(40_ms).gets({.ack = 1, .sack = {{1001, 2001}}}).quiet();
  t.fires_after(10_ms).sends({.seq = 1, .len = 1000}).quiet();
}

TEST(Rack, a_hole_that_fills_in_time_was_reordering_and_is_remembered) {
  auto t = open(sacks());
  send(t, 6);
  t.after(40_ms).gets({.ack = 1, .sack = {{1001, 2001}}}).quiet().after(5_ms).gets({.ack = 2001}).quiet();
  t.counted(Counter::tcp_retransmits, 0);
  // From now on three are no proof: the wait comes first.
  t.gets({.ack = 2001, .sack = {{3001, 6001}}}).quiet();
  t.fires_after(10_ms).sends({.seq = 2001, .len = 1000}).quiet();
}

TEST(Rack, holes_and_nothing_else_are_sent_again) {
  auto t = open(sacks());
  send(t, 10);
  t.after(40_ms).gets({.ack = 1, .sack = {{7001, 10001}, {4001, 6001}, {1001, 3001}}});
  t.sends({.seq = 1, .len = 1000})
      .sends({.seq = 3001, .len = 1000})
      .sends({.seq = 6001, .len = 1000})
      .quiet();
  t.after(40_ms).gets({.ack = 10001}).quiet().counted(Counter::tcp_retransmits, 3);
}

TEST(Rack, a_segment_sent_again_and_lost_again_is_noticed_without_a_timeout) {
  auto t = open(sacks());
  t.write(20'000);
  for (uint32_t i = 0; i < 10; ++i) t.sends({.seq = 1 + 1000 * i, .len = 1000});
  t.after(40_ms).gets({.ack = 1, .sack = {{1001, 8001}}}).sends({.seq = 1, .len = 1000});
  uint32_t seq = 10001;
  tcp::Segment s;
  for (; t.conn().next_segment(t.now, s); seq += s.text) EXPECT_EQ(s.seq.v - t.world().iss, seq);
  ASSERT_GT(seq, 10001u) << "the room that arrivals made is used";
  // What was sent after it arrives, it does not.
  t.after(41_ms).gets({.ack = 1, .sack = {{1001, 10001}}}).gets({.ack = 1, .sack = {{1001, seq}}});
  if (!t.conn().next_segment(t.now, s))
    t.after(15_ms).sends({.seq = 1, .len = 1000});
  else
    EXPECT_EQ(s.seq.v - t.world().iss, 1u);
  t.counted(Counter::tcp_timeouts, 0);
}

// The timer was set before anything was measured, and no acknowledgement has moved since (RFC 6675 §6).
TEST(Rack, the_timeout_of_the_oldest_segment_counts_from_when_it_went_again) {
  auto t = Script::passive(sacks());
  t.sends({.seq = 0, .ack = 1, .flags = syn | ack}).fires_after(1_s).sends({.flags = syn | ack});
  t.after(40_ms).gets({.ack = 1});  // of which answer? nothing is measured, the timeout is the initial one
  send(t, 6);
  t.after(40_ms).gets({.ack = 1, .sack = {{1001, 4001}}}).sends({.seq = 1, .len = 1000}).quiet();
  t.fires_after(200_ms).sends({.seq = 1, .len = 1000}).counted(Counter::tcp_timeouts, 2);
}

TEST(Rack, a_burst_told_in_one_block_that_cuts_it_leaves_the_rest_in_flight) {
  auto t = open(sacks().with([](World& w) { w.max_segment_text = 8000; }));
  t.write(8000).sends({.seq = 1, .len = 8000}).quiet();
  t.after(40_ms).gets({.ack = 1, .sack = {{2001, 6001}}});
  t.sends({.seq = 1, .len = 2000}).quiet();
  EXPECT_EQ(t.conn().in_flight()->board.sacked(), 4000u);
  EXPECT_EQ(t.conn().pipe(), 4000u) << "what was sent again, and what may still arrive";
}

TEST(Rack, blocks_of_what_was_never_sent_are_counted_and_ignored) {
  auto t = open(sacks());
  send(t, 3);
  t.gets({.ack = 1, .sack = {{5001, 6001}}}).gets({.ack = 1, .sack = {{2001, 1001}}}).quiet();
  t.counted(Counter::tcp_bad_sacks, 2);
  EXPECT_EQ(t.conn().in_flight()->board.sacked(), 0u);
}

// RFC 2018 §5: what was received stays received, in whichever order the acknowledgements come.
TEST(Rack, blocks_of_an_acknowledgement_that_was_overtaken_count) {
  auto t = open(sacks());
  send(t, 6);
  t.after(40_ms).gets({.ack = 2001});  // overtook the one before it
  t.gets({.ack = 1001, .sack = {{3001, 5001}}});
  EXPECT_EQ(t.conn().in_flight()->board.sacked(), 2'000u);
  t.gets({.ack = 1001, .sack = {{3001, 6001}}}).sends({.seq = 2001, .len = 1000});
  t.counted(Counter::tcp_recoveries_rack, 1);
}

TEST(Rack, limited_transmit_sends_new_text_for_each_segment_that_arrived) {
  auto t = open(sacks());
  t.write(20'000);
  for (uint32_t i = 0; i < 10; ++i) t.sends({.seq = 1 + 1000 * i, .len = 1000});
  t.quiet().after(40_ms).gets({.ack = 1, .sack = {{1001, 2001}}}).sends({.seq = 10'001, .len = 1000}).quiet();
  t.gets({.ack = 1, .sack = {{1001, 3001}}}).sends({.seq = 11'001, .len = 1000}).quiet();
}

TEST(Rack, a_peer_that_forgot_its_blocks_gets_everything_again) {
  auto t = open(sacks());
  send(t, 5);
  t.after(40_ms).gets({.ack = 1, .sack = {{1001, 4001}}}).sends({.seq = 1, .len = 1000}).quiet();
  t.after(40_ms).gets({.ack = 1001});  // not 4001: it dropped them
  t.fires_after(20_ms).sends({.seq = 1001, .len = 1000}).quiet().counted(Counter::tcp_reneged, 1);
  t.gets({.ack = 2001}).sends({.seq = 2001, .len = 1000}).sends({.seq = 3001, .len = 1000});
}

// ---- RFC 6937

TEST(Recovery, the_window_comes_down_to_ssthresh_over_one_round_trip) {
  auto t = open(sacks());
  t.write(40'000);
  tcp::Segment s;
  for (uint32_t i = 0; i < 10; ++i) t.sends({.len = 1000});
  t.after(40_ms);
  uint32_t sent = 0;
  for (uint32_t k = 2; k <= 10; ++k) {  // each of the others arrives
    t.gets({.ack = 1, .sack = {{1001, k * 1000 + 1}}});
    while (t.conn().next_segment(t.now, s)) ++sent;
  }
  EXPECT_EQ(t.conn().congestion().threshold(), 7000u) << "CUBIC: 0.7 of the window";
  EXPECT_LE(t.conn().pipe(), 8000u);
  EXPECT_GE(sent, 7u);
  t.after(40_ms).gets({.ack = t.conn().snd_nxt().v - t.world().iss});
  EXPECT_EQ(t.conn().congestion().window(), t.conn().congestion().threshold());
}

TEST(Recovery, reno_halves) {
  auto t = Script::passive(sacks().with([](World& w) { w.congestion = tcp::Algorithm::Reno; }));
  t.sends({.flags = syn | ack}).after(40_ms).gets({.ack = 1});
  send(t, 10);
  t.after(40_ms).gets({.ack = 1, .sack = {{1001, 4001}}}).sends({.seq = 1, .len = 1000});
  EXPECT_EQ(t.conn().congestion().threshold(), 5000u);
}

// ---- RFC 8985 §7

TEST(LossProbe, the_last_segment_goes_again_after_two_round_trips) {
  auto t = open(sacks());
  send(t, 4);
  t.fires_after(80_ms).sends({.seq = 3001, .len = 1000}).quiet().counted(Counter::tcp_loss_probes, 1);
  // It tells of the hole before it, without a timeout.
  t.after(40_ms).gets({.ack = 2001, .sack = {{3001, 4001}}}).sends({.seq = 2001, .len = 1000}).quiet();
  t.counted(Counter::tcp_timeouts, 0);
}

TEST(LossProbe, new_text_is_preferred) {
  auto t = open(sacks());
  t.write(20'000);
  for (uint32_t i = 0; i < 10; ++i) t.sends({.len = 1000});
  t.quiet().fires_after(80_ms).sends({.seq = 10'001, .len = 1000}).quiet();
}

TEST(LossProbe, one_segment_alone_waits_for_the_peers_delayed_acknowledgement_too) {
  auto t = open(sacks());
  send(t, 1);
  EXPECT_GT(t.conn().deadline() - t.now, 199_ms);
}

TEST(LossProbe, there_is_one_and_then_the_timeout) {
  auto t = open(sacks());
  send(t, 4);
  t.fires_after(80_ms).sends({.seq = 3001, .len = 1000}).quiet();
  t.fires_after(200_ms).sends({.seq = 1, .len = 1000}).quiet().counted(Counter::tcp_timeouts, 1);
}

TEST(LossProbe, one_that_repaired_a_loss_counts_as_one) {
  auto t = open(sacks());
  send(t, 4);
  t.fires_after(80_ms).sends({.seq = 3001, .len = 1000}).quiet();
  t.after(40_ms).gets({.ack = 4001}).quiet();
  const uint32_t window = t.conn().congestion().window();
  send(t, 2, 4001);
  t.after(40_ms).gets({.ack = 6001});
  t.counted(Counter::tcp_recoveries_probe, 1);
  EXPECT_LT(t.conn().congestion().window(), window);
}

TEST(LossProbe, one_that_came_twice_costs_nothing) {
  auto t = open(sacks());
  send(t, 4);
  t.fires_after(80_ms).sends({.seq = 3001, .len = 1000}).quiet();
  const uint32_t window = t.conn().congestion().window();
  t.gets({.ack = 4001}).gets({.ack = 4001, .sack = {{3001, 4001}}});
  send(t, 2, 4001);
  t.after(40_ms).gets({.ack = 6001}).counted(Counter::tcp_recoveries_probe, 0);
  EXPECT_GE(t.conn().congestion().window(), window);
}

// ---- nothing was lost: RFC 5682, 3522, 3708

TEST(Spurious, what_was_sent_once_arrives_after_a_timeout_and_the_window_comes_back) {  // F-RTO §3.1
  auto t = open(sacks());
  send(t, 5);
  t.after(80_ms).sends({.seq = 4001, .len = 1000});  // the probe
  t.fires_after(200_ms).sends({.seq = 1, .len = 1000}).quiet();
  EXPECT_EQ(t.conn().congestion().window(), 1000u);
  t.gets({.ack = 2001}).quiet().counted(Counter::tcp_undone_frto, 1);  // the second was never sent again
  EXPECT_GE(t.conn().congestion().window(), 10'000u);
  EXPECT_FALSE(t.conn().recovering());
  t.gets({.ack = 5001}).quiet().counted(Counter::tcp_retransmits, 2);
}

TEST(Spurious, without_sack_two_steps_forward_after_a_timeout_are_the_proof) {  // F-RTO §2.1
  auto t = open(World{}.with([](World& w) { w.options.pacing = false; }));
  t.write(15'000);
  for (uint32_t i = 0; i < 10; ++i) t.sends({.len = 1000});
  t.after(200_ms).sends({.seq = 1, .len = 1000}).quiet();
  t.gets({.ack = 1001}).sends({.seq = 10'001, .len = 1000}).sends({.seq = 11'001, .len = 1000}).quiet();
  t.gets({.ack = 2001}).counted(Counter::tcp_undone_frto, 1);
  EXPECT_GE(t.conn().congestion().window(), 10'000u);
  t.counted(Counter::tcp_retransmits, 1);
}

TEST(Spurious, a_duplicate_in_the_second_step_is_an_ordinary_timeout) {
  auto t = open(World{}.with([](World& w) { w.options.pacing = false; }));
  t.write(15'000);
  for (uint32_t i = 0; i < 10; ++i) t.sends({.len = 1000});
  t.after(200_ms).sends({.seq = 1, .len = 1000}).quiet();
  t.gets({.ack = 1001}).sends({.seq = 10'001, .len = 1000}).sends({.seq = 11'001, .len = 1000}).quiet();
  t.gets({.ack = 1001}).gets({.ack = 2001}).sends({.seq = 2001, .len = 1000});
  t.counted(Counter::tcp_undone_frto, 0);
}

TEST(Spurious, an_echo_of_the_first_transmission_undoes_a_fast_retransmit) {  // Eifel
  auto t = open(stamped_sacks());
  send(t, 6);
  const uint32_t window = t.conn().congestion().window(), first = t.last.options.timestamps->val;
  t.after(40_ms).gets({.ack = 1, .ts = {{1002, first}}, .sack = {{1001, 4001}}});
  t.sends({.seq = 1, .len = 1000}).quiet();
  EXPECT_TRUE(t.conn().recovering());
  t.after(1_ms).gets({.ack = 4001, .ts = {{1003, first}}}).counted(Counter::tcp_undone_timestamp, 1);
  EXPECT_FALSE(t.conn().recovering());
  EXPECT_GE(t.conn().congestion().window(), window);
  EXPECT_EQ(t.conn().congestion().threshold(), UINT32_MAX);
}

TEST(Spurious, everything_sent_again_told_to_have_come_twice_undoes_the_reduction) {  // D-SACK
  auto t = open(sacks());
  send(t, 6);
  const uint32_t window = t.conn().congestion().window();
  t.after(40_ms).gets({.ack = 1, .sack = {{1001, 4001}}}).sends({.seq = 1, .len = 1000}).quiet();
  t.after(1_ms).gets({.ack = 6001}).quiet();
  EXPECT_LT(t.conn().congestion().window(), window);
  t.after(39_ms).gets({.ack = 6001, .sack = {{1, 1001}}}).counted(Counter::tcp_undone_dsack, 1);
  EXPECT_GE(t.conn().congestion().window(), window);
  EXPECT_EQ(t.conn().in_flight(), nullptr) << "and nothing is remembered of it";
}

TEST(Spurious, a_dsack_widens_the_reordering_window) {
  auto t = open(sacks());
  send(t, 6);
  t.after(40_ms).gets({.ack = 1, .sack = {{1001, 4001}}}).sends({.seq = 1, .len = 1000}).quiet();
  t.gets({.ack = 4001}).gets({.ack = 4001, .sack = {{1, 1001}}});
  send(t, 4, 6001);
  t.after(40_ms).gets({.ack = 6001}).gets({.ack = 6001, .sack = {{7001, 8001}}}).quiet();
  t.fires_after(20_ms).sends({.seq = 6001, .len = 1000});  // twice a quarter of 40 ms
}

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

// ---- RFC 3168

World marks() {
  return sacks().with([](World& w) {
    w.options.ecn = 1;
    w.syn.flags = syn | ece | cwr;
  });
}

TEST(Ecn, a_syn_that_asks_is_answered_yes) {
  Script::passive(marks()).sends({.flags = syn | ack | ece});
  Script::passive(sacks()).sends({.flags = syn | ack});
  Script::passive(marks().with([](World& w) { w.options.ecn = 0; })).sends({.flags = syn | ack});
}

TEST(Ecn, is_asked_for_once_and_used_when_the_answer_agrees) {
  auto t = Script::active(marks());
  t.sends({.flags = syn | ece | cwr}).fires_after(1_s).sends({.flags = syn});
  auto u = Script::active(marks());
  u.sends({.flags = syn | ece | cwr}).after(40_ms);
  u.gets({.seq = 0, .ack = 1, .flags = syn | ack | ece, .mss = 1000}).counted(Counter::tcp_ecn_agreed, 1);
  auto v = Script::active(marks());
  v.sends({.flags = syn | ece | cwr}).after(40_ms);
  v.gets({.seq = 0, .ack = 1, .flags = syn | ack, .mss = 1000}).counted(Counter::tcp_ecn_agreed, 0);
}

// RFC 3168 §6.1.1.1: a reset may mean the question, not the connection; the second one is believed.
TEST(Ecn, a_refused_question_is_put_again_without_it) {
  auto t = Script::active(marks());
  t.sends({.flags = syn | ece | cwr}).gets({.seq = 0, .ack = 1, .flags = Script::rst | ack});
  t.is(State::SynSent).sends({.seq = 0, .flags = syn}).quiet().counted(Counter::tcp_ecn_retried, 1);
  auto u = std::move(t);
  u.gets({.seq = 0, .ack = 1, .flags = Script::rst | ack}).is(State::Closed);
  EXPECT_EQ(u.conn().failure(), buf::Failure::Refused);
  auto v = Script::active(sacks());
  v.sends({.flags = syn}).gets({.seq = 0, .ack = 1, .flags = Script::rst | ack}).is(State::Closed);
}

// RFC 3168 §6.1.1: who has sent a SYN that did not ask must not mark, though an answer to the first agrees.
TEST(Ecn, is_not_used_once_the_question_was_withdrawn) {
  auto t = Script::active(marks());
  t.sends({.flags = syn | ece | cwr}).fires_after(1_s).sends({.flags = syn}).after(40_ms);
  t.gets({.seq = 0, .ack = 1, .flags = syn | ack | ece, .mss = 1000});
  t.is(State::Established).counted(Counter::tcp_ecn_agreed, 0);
  auto u = Script::active(marks());  // both open at once, and the peer asks late
  u.sends({.flags = syn | ece | cwr}).fires_after(1_s).sends({.flags = syn});
  u.gets({.seq = 0, .flags = syn | ece | cwr, .mss = 1000}).sends({.seq = 0, .flags = syn | ack});
}

Script open_marks() {
  auto t = Script::passive(marks());
  t.sends({.flags = syn | ack | ece}).after(40_ms).gets({.ack = 1}).quiet();
  return t;
}

TEST(Ecn, new_text_is_marked_capable_and_nothing_else) {
  auto t = open_marks();
  t.write(1000).sends({.len = 1000});
  EXPECT_EQ(t.last.ecn, tcp::ecn::ect0);
  t.after(300_ms).sends({.seq = 1, .len = 1000});
  EXPECT_EQ(t.last.ecn, 0) << "RFC 3168 6.1.5: not what is sent again";
  t.gets({.ack = 1001, .len = 100}).after(40_ms).sends({.len = 0});
  EXPECT_EQ(t.last.ecn, 0);
}

TEST(Ecn, congestion_is_echoed_until_the_peer_reacts) {
  auto t = open_marks();
  t.gets({.len = 1000, .ecn = tcp::ecn::ce}).sends({.ack = 1001, .flags = ack | ece});
  t.gets({.len = 1000}).gets({.len = 1000}).sends({.ack = 3001, .flags = ack | ece});
  t.gets({.len = 1000, .flags = ack | cwr}).gets({.len = 1000}).sends({.ack = 5001, .flags = ack});
  t.counted(Counter::tcp_ecn_marks_in, 1);
}

TEST(Ecn, an_echo_reduces_the_window_once_a_round_trip_and_sends_nothing_again) {
  auto t = open_marks();
  t.write(40'000);
  for (uint32_t i = 0; i < 10; ++i) t.sends({.len = 1000});
  t.quiet().after(40_ms);
  tcp::Segment s;
  uint32_t said = 0;
  for (uint32_t k = 1; k <= 10; ++k) {
    t.gets({.ack = 1 + k * 1000, .flags = ack | ece});
    while (t.conn().next_segment(t.now, s)) said += (s.flags & cwr) != 0;
  }
  EXPECT_EQ(said, 1u) << "CWR on the first new text";
  t.counted(Counter::tcp_recoveries_ecn, 1).counted(Counter::tcp_retransmits, 0);
  EXPECT_EQ(t.conn().congestion().threshold(), 7000u);  // 0.7 of the window
  t.after(40_ms).gets({.ack = t.conn().snd_nxt().v - t.world().iss});
  EXPECT_EQ(t.conn().congestion().window(), 7000u);
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
