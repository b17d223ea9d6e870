// SPDX-License-Identifier: Apache-2.0
// What arrives: RFC 9293 §3.10.7.4, §3.8.6; strangers, RFC 5961.
#include <gtest/gtest.h>

#include "support/script.h"

namespace sluice::test {
namespace {

using tcp::State;
namespace event = buf::stream_event;
constexpr uint8_t syn = Script::syn, rst = Script::rst;

TEST(Receive, a_single_segment_is_acknowledged_after_the_delay) {
  auto t = Script::established();
  t.gets({.len = 1000})
      .holds(1000)
      .has_events(event::readable)
      .quiet()
      .fires_after(40_ms)
      .sends({.ack = 1001})
      .quiet()
      .reads(1000);
}

TEST(Receive, every_second_full_segment_is_acknowledged_at_once_and_a_burst_once) {
  auto t = Script::established();
  t.gets({.len = 1000}).gets({.len = 1000}).sends({.ack = 2001}).quiet();
  t.gets({.len = 1000})
      .gets({.len = 1000})
      .gets({.len = 1000})
      .gets({.len = 1000})
      .sends({.ack = 6001})
      .quiet();
}

TEST(Receive, text_out_of_order_is_kept_and_each_piece_told) {
  auto t = Script::established();
  t.gets({.seq = 1001, .len = 1000}).sends({.ack = 1}).quiet().holds(0);
  t.gets({.seq = 3001, .len = 1000})
      .gets({.seq = 2001, .len = 1000})
      .sends({.ack = 1})
      .sends({.ack = 1})
      .quiet();
  t.gets({.seq = 1, .len = 1000}).sends({.ack = 4001}).quiet().reads(4000);
}

TEST(Receive, overlaps_are_taken_once) {
  auto t = Script::established();
  t.gets({.seq = 1, .len = 600}).gets({.seq = 301, .len = 700}).holds(1000);
  t.gets({.seq = 2001, .len = 500})
      .gets({.seq = 1501, .len = 700})
      .gets({.seq = 1001, .len = 2000})
      .reads(3000);
}

TEST(Receive, a_duplicate_is_acknowledged_at_once) {
  auto t = Script::established();
  t.gets({.seq = 1, .len = 1000}).fires_after(40_ms).sends({.ack = 1001});
  t.gets({.seq = 1, .len = 1000}).sends({.ack = 1001}).quiet().holds(1000);
}

TEST(Receive, text_beyond_the_window_is_cut_off) {
  auto t = Script::established(World{}.with([](World& w) { w.options.receive_buffer = 4096; }));
  t.gets({.len = 4000}).gets({.len = 1000}).holds(4096).sends({.ack = 4097, .window = 0});
}

TEST(Receive, a_closed_window_opens_when_the_service_reads_but_not_by_crumbs) {
  auto t = Script::established(World{}.with([](World& w) { w.options.receive_buffer = 4096; }));
  t.gets({.len = 4096}).fires_after(40_ms).sends({.ack = 4097, .window = 0}).quiet();
  t.reads(100).quiet();
  t.reads(1996).sends({.ack = 4097, .window = 2096}).quiet();
}

TEST(Receive, a_window_once_offered_is_never_taken_back) {
  auto t = Script::established(World{}.with([](World& w) {
    w.options.window_scaling = true;
    w.syn.shift = 3;
  }));
  SeqNum edge = t.conn().rcv_nxt() + t.conn().rcv_wnd();
  for (int i = 0; i < 50; ++i) {
    t.gets({.len = 997}).gets({.len = 997}).sends({});
    const SeqNum now_edge = t.last.ack + (static_cast<uint32_t>(t.last.window.v) << 3);
    EXPECT_FALSE(now_edge.before(edge));
    edge = now_edge;
    if (i % 7 == 0) t.reads(1500);
    tcp::Segment s;
    while (t.conn().next_segment(t.now, s)) edge = s.ack + (static_cast<uint32_t>(s.window.v) << 3);
  }
}

TEST(Receive, the_window_grows_with_what_waits_behind_a_hole_too) {
  auto t = Script::established(World{}.with([](World& w) {
    w.options.receive_window = 8'192;
    w.options.receive_buffer = 65'535;
  }));
  t.gets({.len = 1000}).reads(1000);
  for (const uint32_t seq : {2001u, 4001u, 5001u, 6001u}) t.gets({.seq = seq, .len = 1000});
  t.after(10_ms).gets({.seq = 1001, .len = 1000}).sends({.ack = 3001});
  // Of 5,000 octets in a round trip, 1,000 were read and 4,000 waited: four times that, and room for 16
  // segments.
  EXPECT_EQ(t.conn().rcv_wnd(), 4 * 5'000u + 16 * 1'000u - 2'000u);
}

TEST(Receive, the_window_grows_within_the_round_trip_in_which_more_comes) {
  auto t = Script::established(World{}.with([](World& w) {
    w.options.receive_window = 8'192;
    w.options.receive_buffer = 65'535;
  }));
  // Of one round trip, all read: at every moment room for four times what came in it so far.
  for (uint32_t n = 1; n <= 8; ++n) {
    t.gets({.len = 1000}).reads(1000);
    tcp::Segment s;
    while (t.conn().next_segment(t.now, s)) {
    }
    EXPECT_GE(t.conn().rcv_wnd(), 4 * 1000 * (n - 1)) << n;
  }
  // Also while something is missing.
  for (uint32_t n = 9; n <= 11; ++n) t.gets({.seq = 1001 + 1000 * n, .len = 1000});
  t.sends({.ack = 8001});
  EXPECT_GE(t.conn().rcv_wnd(), 4 * 10'000u);
}

TEST(Receive, as_it_comes_a_whole_window_can_wait_for_its_first_segment) {
  const tcp::Options o;
  EXPECT_GE(o.held_packets / 2, o.receive_buffer / 1448);
  EXPECT_GE(o.held_pieces, o.receive_buffer / 1448);
}

TEST(Receive, more_pieces_than_allowed_are_refused_but_the_next_in_order_is_not) {
  auto t = Script::established(World{}.with([](World& w) { w.options.held_pieces = 8; }));
  for (uint32_t i = 0; i < 20; ++i) t.gets({.seq = 101 + i, .len = 1});
  EXPECT_GT(t.counted(Counter::tcp_no_buffer, 12).conn().rcv_wnd(), 0u);
  t.gets({.seq = 1, .len = 100}).holds(108);
}

TEST(Receive, of_a_run_no_more_pieces_are_held_than_allowed) {
  const auto world = World{}.with([](World& w) { w.options.held_pieces = 8; });
  auto t = Script::established(world);
  t.gets({.seq = 1, .len = 200, .each = 10}).holds(80).sends({.ack = 81}).counted(Counter::tcp_no_buffer, 1);
  t.gets({.seq = 81, .len = 120, .each = 10}).holds(80).sends({.ack = 81});
  t.reads(80).gets({.seq = 81, .len = 120, .each = 10}).holds(80).sends({.ack = 161});

  auto early = Script::established(world);
  early.gets({.seq = 11, .len = 200, .each = 10}).holds(0).counted(Counter::tcp_no_buffer, 1);
  early.gets({.seq = 1, .len = 10}).holds(90).sends({.ack = 91});
}

TEST(Receive, sequence_numbers_wrap_around_on_both_sides) {
  auto t = Script::established(World{}.with([](World& w) {
    w.iss = 0xffff'fc00;
    w.irs = 0xffff'fd00;
  }));
  t.write(3000)
      .sends({.seq = 1, .len = 1000})
      .sends({.seq = 1001, .len = 1000})
      .sends({.seq = 2001, .len = 1000});
  t.gets({.seq = 1001, .ack = 3001, .len = 1000})
      .gets({.seq = 1, .len = 1000})
      .reads(2000)
      .sends({.ack = 2001});
}

// ---- resets and strangers: RFC 5961

TEST(Blind, a_reset_at_the_exact_place_is_obeyed) {
  Script::established()
      .gets({.seq = 1, .flags = rst})
      .is(State::Closed)
      .has_events(event::failed)
      .quiet()
      .nothing_armed();
}

TEST(Blind, a_reset_elsewhere_in_the_window_is_challenged) {
  Script::established()
      .gets({.seq = 2, .flags = rst})
      .is(State::Established)
      .sends({.seq = 1, .ack = 1})
      .quiet()
      .counted(Counter::tcp_challenge_acks, 1);
}

TEST(Blind, a_reset_outside_the_window_is_ignored) {
  Script::established().gets({.seq = 100'000, .flags = rst}).is(State::Established).quiet();
}

TEST(Blind, a_syn_in_the_window_is_challenged) {
  Script::established()
      .gets({.seq = 50, .flags = syn})
      .is(State::Established)
      .sends({.seq = 1, .ack = 1})
      .quiet();
}

TEST(Blind, an_acknowledgement_of_what_was_not_sent_is_challenged_and_its_text_dropped) {
  Script::established()
      .gets({.ack = 500, .len = 10})
      .holds(0)
      .sends({.ack = 1})
      .quiet()
      .counted(Counter::tcp_bad_ack, 1);
}

TEST(Blind, an_ancient_acknowledgement_is_challenged_and_its_text_dropped) {
  Script::established().gets({.ack = 1 - 70'000u, .len = 10}).holds(0).sends({.ack = 1}).quiet();
}

TEST(Blind, challenges_end_with_the_budget_and_come_back_with_the_next_second) {
  auto t = Script::established(World{}.with([](World& w) { w.options.challenge_acks = 10; }));
  uint32_t sent = 0;
  for (int i = 0; i < 100; ++i) {
    tcp::Segment s;
    t.gets({.seq = 2, .flags = rst});
    while (t.conn().next_segment(t.now, s)) ++sent;
  }
  EXPECT_GE(sent, 5u);
  EXPECT_LE(sent, 15u);
  t.now = t.now + 1_s;
  t.gets({.seq = 2, .flags = rst}).sends({.ack = 1}).quiet();
}

TEST(Blind, a_segment_without_ack_is_dropped) {
  Script::established().gets({.len = 10, .flags = 0}).holds(0).quiet().counted(Counter::tcp_no_ack, 1);
}

}  // namespace
}  // namespace sluice::test
