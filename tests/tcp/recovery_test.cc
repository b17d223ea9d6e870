// SPDX-License-Identifier: Apache-2.0
// Loss and what is done about it: SACK both ways, RACK-TLP, timeouts, and finding out that nothing was lost.
#include <gtest/gtest.h>

#include "sacked.h"

namespace sluice::test {
namespace {

constexpr uint8_t syn = Script::syn, ack = Script::ack;

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

TEST(Sack, of_a_burst_with_many_holes_each_range_is_told_in_three_acknowledgements) {
  auto t = open(stamped_sacks());
  for (uint32_t i = 0; i < 20; ++i) t.gets({.seq = 1001 + 2000 * i, .len = 1000, .ts = {{1002, 1000}}});
  // As if each packet had been acknowledged alone.
  const auto block = [](uint32_t i) { return std::pair{1001 + 2000 * i, 2001 + 2000 * i}; };
  t.sends({.ack = 1, .sack = {block(0), block(19), block(18)}});
  t.sends({.ack = 1, .sack = {block(1), block(0), block(19)}});
  for (uint32_t i = 2; i < 20; ++i) t.sends({.ack = 1, .sack = {block(i), block(i - 1), block(i - 2)}});
  t.quiet();
  // What was told is no news: the next burst is told by one.
  t.gets({.seq = 41'001, .len = 1000, .ts = {{1002, 1000}}})
      .gets({.seq = 42'001, .len = 1000, .ts = {{1002, 1000}}});
  t.sends({.ack = 1}).quiet();
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

// What one recovery sent again is acknowledged in the next one: it echoes a moment before that one's own
// repair.
TEST(Spurious, the_echo_of_an_older_recoverys_repair_undoes_nothing) {
  auto t = open(stamped_sacks().with([](World& w) { w.options.initial_window = 20; }));
  send(t, 20);
  const uint32_t first = t.last.options.timestamps->val;
  t.write(12'000);
  t.after(40_ms)
      .gets({.ack = 1, .ts = {{1002, first}}, .sack = {{1001, 19'001}}})
      .sends({.seq = 1, .len = 1000});
  for (uint32_t i = 0; i < 12; ++i) t.sends({.seq = 20'001 + 1000 * i, .len = 1000});
  t.quiet();
  // That is lost again, and the first of those too.
  t.after(20_ms).gets({.ack = 1, .ts = {{1003, first}}, .sack = {{21'001, 24'001}, {1001, 20'001}}});
  t.sends({.seq = 1, .len = 1000}).sends({.seq = 20'001, .len = 1000}).quiet();
  const uint32_t second = t.last.options.timestamps->val;
  t.after(20_ms).gets({.ack = 20'001, .ts = {{1004, second}}, .sack = {{21'001, 24'001}}}).quiet();
  EXPECT_FALSE(t.conn().recovering());
  // The next recovery has a hole of its own further on.
  t.after(5_ms).gets({.ack = 20'001, .ts = {{1005, second}}, .sack = {{26'001, 29'001}, {21'001, 25'001}}});
  t.sends({.seq = 25'001, .len = 1000}).quiet();
  EXPECT_TRUE(t.conn().recovering());
  t.after(15_ms).gets({.ack = 25'001, .ts = {{1006, second}}, .sack = {{26'001, 29'001}}});
  t.counted(Counter::tcp_undone_timestamp, 0);
  EXPECT_TRUE(t.conn().recovering());
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

}  // namespace
}  // namespace sluice::test
