// SPDX-License-Identifier: Apache-2.0
// The rules of RFC 9293 and its company, one script each.
#include "tcp/conn.h"

#include <gtest/gtest.h>

#include "support/script.h"

namespace sluice::test {
namespace {

using tcp::State;
namespace event = buf::stream_event;
constexpr uint8_t fin = Script::fin, syn = Script::syn, rst = Script::rst, ack = Script::ack;

// ---- opening

TEST(Open, passive_answers_syn_and_is_open_with_the_third_segment) {
  Script::passive()
      .sends({.seq = 0, .ack = 1, .flags = syn | ack, .window = 65535, .mss = 1460})
      .quiet()
      .is(State::SynReceived)
      .gets({.ack = 1})
      .is(State::Established)
      .has_events(event::opened)
      .quiet();
}

TEST(Open, active_sends_syn_and_acknowledges_the_answer) {
  Script::active()
      .sends({.seq = 0, .flags = syn, .mss = 1460})
      .quiet()
      .gets({.seq = 0, .ack = 1, .flags = syn | ack, .mss = 1000})
      .is(State::Established)
      .has_events(event::opened)
      .sends({.seq = 1, .ack = 1})
      .quiet();
}

TEST(Open, both_at_once_meet_in_established) {
  auto t = Script::active();
  t.sends({.seq = 0, .flags = syn}).gets({.seq = 0, .flags = syn, .mss = 1000}).is(State::SynReceived);
  t.sends({.seq = 0, .ack = 1, .flags = syn | ack}).quiet();
  t.gets({.seq = 0, .ack = 1, .flags = syn | ack}).sends({.seq = 1, .ack = 1}).quiet();
  t.gets({.seq = 1, .ack = 1}).is(State::Established).has_events(event::opened).quiet();
}

TEST(Open, a_syn_is_sent_again_with_doubled_waits_and_then_given_up) {
  auto t = Script::active(World{}.with([](World& w) { w.options.syn_retries = 2; }));
  t.sends({.seq = 0, .flags = syn}).quiet().fires_after(1_s).sends({.seq = 0, .flags = syn}).quiet();
  t.fires_after(2_s).sends({.seq = 0, .flags = syn}).quiet();
  t.fires_after(4_s).quiet().is(State::Closed).has_events(event::failed).nothing_armed();
}

TEST(Open, a_repeated_syn_is_answered_again) {
  Script::passive()
      .sends({.seq = 0, .ack = 1, .flags = syn | ack})
      .gets({.seq = 0, .flags = syn, .mss = 1000})
      .sends({.seq = 0, .ack = 1, .flags = syn | ack})
      .quiet();
}

TEST(Open, a_refused_syn_fails_at_once) {
  Script::active()
      .sends({.seq = 0, .flags = syn})
      .gets({.seq = 0, .ack = 1, .flags = rst | ack})
      .is(State::Closed)
      .has_events(event::failed)
      .nothing_armed();
}

TEST(Open, a_reset_that_acknowledges_nothing_does_not_refuse_a_syn) {
  Script::active().sends({.seq = 0, .flags = syn}).gets({.seq = 0, .flags = rst}).is(State::SynSent).quiet();
}

TEST(Open, an_answer_to_a_syn_that_was_not_sent_is_reset) {
  Script::active()
      .sends({.seq = 0, .flags = syn})
      .gets({.seq = 0, .ack = 77, .flags = syn | ack})
      .resets()
      .is(State::SynSent)
      .quiet();
}

TEST(Open, a_third_segment_with_a_wrong_acknowledgement_is_reset) {
  Script::passive()
      .sends({.seq = 0, .ack = 1, .flags = syn | ack})
      .gets({.ack = 99})
      .resets()
      .is(State::SynReceived);
}

TEST(Open, the_smaller_mss_counts) {
  auto t = Script::established(World{}.with([](World& w) { w.syn.mss = 600; }));
  t.write(1200).sends({.seq = 1, .len = 600}).sends({.seq = 601, .len = 600}).quiet();
}

TEST(Open, a_peer_without_mss_gets_536_and_one_with_0_the_floor) {
  auto t = Script::established(World{}.with([](World& w) { w.syn.mss.reset(); }));
  EXPECT_EQ(t.conn().mss(), 536u);
  auto u = Script::established(World{}.with([](World& w) { w.syn.mss = 0; }));
  EXPECT_EQ(u.conn().mss(), tcp::Options{}.least_mss);
}

TEST(Open, closing_before_the_handshake_ends_sends_fin_after_it) {
  Script::passive()
      .sends({.flags = syn | ack})
      .close()
      .quiet()
      .gets({.ack = 1})
      .is(State::FinWait1)
      .sends({.seq = 1, .flags = fin | ack})
      .quiet();
}

// ---- options

World scaled() {
  return World{}.with([](World& w) {
    w.options.window_scaling = true;
    w.syn.shift = 3;
  });
}

TEST(WindowScale, is_used_in_both_directions_after_the_syn) {
  auto t = Script::passive(scaled());
  t.sends({.flags = syn | ack, .window = 65535, .shift = 3}).gets({.ack = 1, .window = 1000}).quiet();
  EXPECT_EQ(t.conn().snd_wnd(), 8000u);
  t.gets({.len = 1000}).gets({.len = 1000}).sends({.ack = 2001});
  EXPECT_NEAR((t.last.window.v << 3), 262'144 - 2000, 8);
}

TEST(WindowScale, is_off_when_the_peer_does_not_offer_it) {
  auto t = Script::passive(scaled().with([](World& w) { w.syn.shift.reset(); }));
  t.sends({.flags = syn | ack}).gets({.ack = 1, .window = 1000});
  EXPECT_FALSE(t.last.options.shift.has_value());
  EXPECT_EQ(t.conn().snd_wnd(), 1000u);
}

World stamped() {
  return World{}.with([](World& w) {
    w.options.timestamps = true;
    w.syn.ts = {1000, 0};
  });
}

TEST(Timestamps, are_echoed_and_cost_twelve_octets_of_text) {
  auto t = Script::passive(stamped());
  t.sends({.flags = syn | ack, .ts = wire::TcpTimestamps{1000, 1000}});
  t.gets({.ack = 1, .ts = {{1005, 1000}}}).write(2000).sends({.seq = 1, .len = 988, .ts = {{1000, 1005}}});
}

TEST(Timestamps, an_older_one_is_acknowledged_and_dropped) {
  auto t = Script::passive(stamped());
  t.sends({.flags = syn | ack}).gets({.ack = 1, .ts = {{1005, 1000}}});
  t.gets({.len = 10, .ts = {{999, 1000}}}).holds(0).counted(Counter::tcp_paws, 1).sends({.ack = 1}).quiet();
  t.gets({.seq = 1, .len = 10, .ts = {{1006, 1000}}}).holds(10);
}

TEST(Timestamps, an_older_one_counts_again_after_24_days_of_silence) {
  auto t = Script::passive(stamped());
  t.sends({.flags = syn | ack}).gets({.ack = 1, .ts = {{1005, 1000}}});
  t.now = t.now + Duration::from_s(25 * 86'400);
  t.gets({.len = 10, .ts = {{999, 1000}}}).holds(10);
}

TEST(Timestamps, a_segment_without_them_is_dropped_but_a_reset_is_not) {
  auto t = Script::passive(stamped());
  t.sends({.flags = syn | ack}).gets({.ack = 1, .ts = {{1005, 1000}}});
  t.gets({.len = 10}).holds(0).counted(Counter::tcp_no_timestamp, 1).quiet();
  t.gets({.seq = 1, .flags = rst}).is(State::Closed);
}

// ---- receiving

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
  auto t = Script::established(scaled());
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

TEST(Receive, more_pieces_than_allowed_are_refused_but_the_next_in_order_is_not) {
  auto t = Script::established(World{}.with([](World& w) { w.options.held_pieces = 8; }));
  for (uint32_t i = 0; i < 20; ++i) t.gets({.seq = 101 + i, .len = 1});
  EXPECT_GT(t.counted(Counter::tcp_no_buffer, 12).conn().rcv_wnd(), 0u);
  t.gets({.seq = 1, .len = 100}).holds(108);
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

// ---- sending

TEST(Send, starts_with_ten_segments_and_grows_with_each_acknowledgement) {
  auto t = Script::established();
  t.write(20'000);
  for (uint32_t i = 0; i < 10; ++i) t.sends({.seq = 1 + 1000 * i, .len = 1000});
  t.quiet()
      .gets({.ack = 1001})
      .sends({.seq = 10'001, .len = 1000})
      .sends({.seq = 11'001, .len = 1000})
      .quiet();
}

TEST(Send, there_is_room_for_two_windows_between_the_least_and_the_most) {
  struct Case {
    const char* claim;
    uint32_t least, most;
    size_t room;
  };
  constexpr Case cases[] = {{"ten segments twice", 4'096, 100'000, 20'000},
                            {"never less than what is always there", 30'000, 100'000, 30'000},
                            {"never more than the most", 4'096, 15'000, 15'000},
                            {"the least counts when the most is below it", 30'000, 15'000, 30'000}};
  for (const Case& c : cases) {
    World w;
    w.options.send_buffer = c.least;
    w.options.send_buffer_most = c.most;
    auto t = Script::established(w);
    EXPECT_EQ(t.conn().congestion().window(), 10'000u);
    EXPECT_EQ(t.conn().send_room(), c.room) << c.claim;
    t.write(1'000);
    EXPECT_EQ(t.conn().send_room(), c.room - 1'000) << c.claim;
  }
}

TEST(Send, never_beyond_the_peers_window) {
  auto t = Script::established();
  t.gets({.ack = 1, .window = 2500}).write(5000);
  t.sends({.seq = 1, .len = 1000}).sends({.seq = 1001, .len = 1000}).quiet();
  t.gets({.ack = 1001, .window = 1500}).quiet();
  t.gets({.ack = 2001, .window = 3000})
      .sends({.seq = 2001, .len = 1000})
      .sends({.seq = 3001, .len = 1000})
      .sends({.seq = 4001, .len = 1000})
      .quiet();
}

TEST(Send, with_nagle_a_small_segment_waits_while_another_is_unacknowledged) {
  auto t = Script::established(World{}.with([](World& w) { w.options.nagle = true; }));
  t.write(100).sends({.seq = 1, .len = 100}).write(50).quiet().write(50).quiet();
  t.gets({.ack = 101}).sends({.seq = 101, .len = 100}).quiet();
}

// The default: a response's last segment must not wait for the delayed acknowledgement of the one before it.
TEST(Send, without_nagle_small_segments_go_at_once) {
  auto t = Script::established();
  t.write(100).sends({.seq = 1, .len = 100}).write(50).sends({.seq = 101, .len = 50}).quiet();
}

TEST(Send, a_path_with_segmentation_gets_many_segments_at_once) {
  auto t = Script::established(World{}.with([](World& w) { w.max_segment_text = 8000; }));
  t.write(20'500).sends({.seq = 1, .len = 8000}).sends({.seq = 8001, .len = 2000}).quiet();
}

TEST(Send, a_closed_window_is_probed_as_long_as_the_peer_answers) {
  auto t = Script::established();
  t.gets({.ack = 1, .window = 0}).write(3000).quiet();
  Duration wait = t.conn().deadline() - t.now;
  for (int i = 0; i < 40; ++i) {
    t.fires_after(wait).sends({.seq = 1, .len = 1}).quiet().gets({.ack = 1, .window = 0}).quiet();
    wait = std::min(wait * 2, Duration{60'000'000'000});
  }
  t.is(State::Established).gets({.ack = 1, .window = 8000});
  t.sends({.seq = 1, .len = 1000})
      .sends({.seq = 1001, .len = 1000})
      .sends({.seq = 2001, .len = 1000})
      .quiet();
}

TEST(Send, a_probe_that_was_taken_counts) {
  auto t = Script::established();
  t.gets({.ack = 1, .window = 0}).write(3000).quiet().after(1_s).sends({.seq = 1, .len = 1});
  t.gets({.ack = 2, .window = 8000})
      .sends({.seq = 2, .len = 1000})
      .sends({.seq = 1002, .len = 1000})
      .sends({.seq = 2002, .len = 999})
      .quiet();
}

TEST(Send, a_closed_window_without_any_answer_ends_in_an_error) {
  auto t = Script::established();
  t.gets({.ack = 1, .window = 0}).write(3000).quiet();
  for (int i = 0; i < 60 && t.conn().state() == State::Established; ++i) {
    t.now = t.conn().deadline();
    t.conn().on_deadline(t.now);
    tcp::Segment s;
    while (t.conn().next_segment(t.now, s)) {
    }
  }
  t.is(State::Closed).has_events(event::failed);
}

TEST(Send, a_window_too_small_for_a_segment_is_used_after_a_wait) {
  auto t = Script::established();
  t.gets({.ack = 1, .window = 300}).write(3000).quiet().after(1_s).sends({.seq = 1, .len = 300}).quiet();
  t.gets({.ack = 301, .window = 300}).quiet().is(State::Established);
}

// ---- loss

TEST(Loss, third_duplicate_ack_resends_the_first_hole) {
  auto t = Script::established();
  t.write(4000)
      .sends({.seq = 1, .len = 1000})
      .sends({.seq = 1001, .len = 1000})
      .sends({.seq = 2001, .len = 1000})
      .sends({.seq = 3001, .len = 1000})
      .quiet();
  t.gets({.ack = 1}).gets({.ack = 1}).quiet();
  t.gets({.ack = 1}).sends({.seq = 1, .len = 1000}).quiet().counted(Counter::tcp_fast_retransmits, 1);
  t.gets({.ack = 4001}).quiet().nothing_armed();
}

TEST(Loss, the_first_two_duplicate_acks_send_new_text) {
  auto t = Script::established();
  t.write(20'000);
  for (uint32_t i = 0; i < 10; ++i) t.sends({.seq = 1 + 1000 * i, .len = 1000});
  t.quiet().gets({.ack = 1}).sends({.seq = 10'001, .len = 1000}).quiet();
  t.gets({.ack = 1}).sends({.seq = 11'001, .len = 1000}).quiet();
  t.gets({.ack = 1}).sends({.seq = 1, .len = 1000}).quiet();
}

TEST(Loss, a_partial_acknowledgement_resends_the_next_hole) {
  auto t = Script::established();
  t.write(6000);
  for (uint32_t i = 0; i < 6; ++i) t.sends({.seq = 1 + 1000 * i, .len = 1000});
  t.gets({.ack = 1}).gets({.ack = 1}).gets({.ack = 1}).sends({.seq = 1, .len = 1000}).quiet();
  t.gets({.ack = 2001}).sends({.seq = 2001, .len = 1000}).quiet();
  t.gets({.ack = 6001}).quiet();
  EXPECT_FALSE(t.conn().recovering());
  EXPECT_LE(t.conn().congestion().window(), t.conn().congestion().threshold());
}

TEST(Loss, duplicate_acks_with_another_window_or_text_do_not_count) {
  auto t = Script::established();
  t.write(2000).sends({.len = 1000}).sends({.len = 1000});
  for (uint16_t w = 0; w < 5; ++w) t.gets({.ack = 1, .window = static_cast<uint16_t>(60'000 + w)});
  t.quiet().counted(Counter::tcp_duplicate_acks, 0);
}

TEST(Loss, a_timeout_resends_one_segment_and_doubles) {
  auto t = Script::established();  // the handshake took no time: the floor of 200 ms counts
  t.write(3000)
      .sends({.seq = 1, .len = 1000})
      .sends({.seq = 1001, .len = 1000})
      .sends({.seq = 2001, .len = 1000});
  t.fires_after(200_ms).sends({.seq = 1, .len = 1000}).quiet();
  t.fires_after(400_ms).sends({.seq = 1, .len = 1000}).quiet();
  t.gets({.ack = 1001}).sends({.seq = 1001, .len = 1000}).sends({.seq = 2001, .len = 1000}).quiet();
  t.gets({.ack = 3001}).quiet().nothing_armed();
}

TEST(Loss, after_the_last_retry_the_connection_fails) {
  auto t = Script::established(World{}.with([](World& w) { w.options.retries = 3; }));
  t.write(100).sends({.seq = 1, .len = 100});
  for (Duration d = 200_ms; d <= 800_ms; d = d * 2) t.fires_after(d).sends({.seq = 1, .len = 100}).quiet();
  t.fires_after(1600_ms).quiet().is(State::Closed).has_events(event::failed).counted(Counter::tcp_gave_up, 1);
}

TEST(Loss, a_round_trip_of_a_segment_sent_twice_is_not_measured) {
  auto t = Script::established();
  t.write(100).sends({.len = 100});
  const Duration before = t.conn().rtt().srtt();
  t.fires_after(200_ms).sends({.len = 100}).after(50_ms).gets({.ack = 101});
  EXPECT_EQ(t.conn().rtt().srtt(), before);
  t.write(100).sends({.len = 100}).after(30_ms).gets({.ack = 201});
  EXPECT_GT(t.conn().rtt().srtt(), before);
}

TEST(Loss, a_window_shut_on_what_is_in_flight_is_probed_not_given_up) {
  auto t = Script::established(World{}.with([](World& w) { w.options.retries = 3; }));
  t.write(2000).sends({.len = 1000}).sends({.len = 1000}).gets({.ack = 1, .window = 0});
  for (int i = 0; i < 10; ++i) {
    t.now = t.conn().deadline();
    t.conn().on_deadline(t.now);
    t.sends({.seq = 1, .len = 1}).quiet().gets({.ack = 1, .window = 0});
  }
  t.gets({.ack = 1, .window = 8000}).sends({.seq = 1, .len = 1000}).quiet();
}

// ---- closing

TEST(Close, ours_first_then_theirs_ends_in_time_wait) {
  auto t = Script::established();
  t.write(100).close().sends({.seq = 1, .len = 100, .flags = fin | ack}).quiet().is(State::FinWait1);
  t.gets({.ack = 102})
      .is(State::FinWait2)
      .gets({.flags = fin | ack})
      .is(State::TimeWait)
      .sends({.seq = 102, .ack = 2})
      .quiet()
      .has_events(event::peer_closed | event::closed);
}

TEST(Close, theirs_first_then_ours_ends_without_waiting) {
  auto t = Script::established();
  t.gets({.len = 10, .flags = fin | ack}).is(State::CloseWait).sends({.ack = 12}).quiet();
  t.has_events(event::readable | event::peer_closed)
      .close()
      .is(State::LastAck)
      .sends({.seq = 1, .flags = fin | ack})
      .quiet();
  t.gets({.ack = 2}).is(State::Closed).has_events(event::closed).nothing_armed();
}

TEST(Close, both_at_once_pass_through_closing) {
  auto t = Script::established();
  t.close().sends({.seq = 1, .flags = fin | ack}).gets({.ack = 1, .flags = fin | ack}).is(State::Closing);
  t.sends({.seq = 2, .ack = 2}).gets({.ack = 2}).is(State::TimeWait).has_events(event::closed).quiet();
}

TEST(Close, a_half_closed_connection_still_receives) {
  auto t = Script::established();
  t.close().sends({.seq = 1, .flags = fin | ack}).gets({.ack = 2}).is(State::FinWait2);
  t.gets({.len = 1000}).gets({.len = 1000}).sends({.ack = 2001}).reads(2000).is(State::FinWait2);
}

TEST(Close, a_half_closed_connection_still_sends) {
  auto t = Script::established();
  t.gets({.flags = fin | ack}).sends({.ack = 2}).is(State::CloseWait);
  t.write(2000)
      .sends({.seq = 1, .len = 1000})
      .sends({.seq = 1001, .len = 1000})
      .gets({.ack = 2001})
      .quiet()
      .is(State::CloseWait);
}

TEST(Close, a_lost_fin_is_sent_again) {
  auto t = Script::established();
  t.close()
      .sends({.seq = 1, .flags = fin | ack})
      .quiet()
      .fires_after(200_ms)
      .sends({.seq = 1, .flags = fin | ack})
      .quiet();
}

TEST(Close, a_fin_waits_for_a_closed_window_and_is_its_own_probe) {
  auto t = Script::established();
  t.gets({.ack = 1, .window = 0}).close().quiet().after(1_s).sends({.seq = 1, .flags = fin | ack}).quiet();
  t.gets({.ack = 2, .window = 0}).is(State::FinWait2);
}

TEST(Close, a_fin_before_its_text_waits_for_it) {
  auto t = Script::established();
  t.gets({.seq = 1001, .len = 10, .flags = fin | ack}).sends({.ack = 1}).is(State::Established);
  t.gets({.seq = 1, .len = 1000}).is(State::CloseWait).sends({.ack = 1012}).quiet().holds(1010);
}

TEST(Close, text_after_the_fin_is_dropped) {
  auto t = Script::established();
  t.gets({.flags = fin | ack})
      .sends({.ack = 2})
      .gets({.seq = 2, .len = 10})
      .holds(0)
      .counted(Counter::tcp_after_close, 1);
}

TEST(Close, a_peer_silent_in_fin_wait_2_is_forgotten) {
  auto t = Script::established();
  t.close()
      .sends({.flags = fin | ack})
      .gets({.ack = 2})
      .is(State::FinWait2)
      .fires_after(60_s)
      .is(State::Closed);
}

TEST(Close, abort_resets_the_peer_at_the_place_it_expects) {
  auto t = Script::established();
  t.write(100).sends({.seq = 1, .len = 100});
  tcp::Segment out;
  EXPECT_TRUE(t.conn().abort(out, t.now));
  EXPECT_EQ(out.seq.v, t.world().iss + 101);
  EXPECT_EQ(out.flags, rst | ack);
  t.is(State::Closed).quiet().nothing_armed();
}

// ---- silence

TEST(KeepAlive, an_idle_peer_is_probed_one_number_below_and_given_up_when_it_never_answers) {
  auto t = Script::established(World{}.with([](World& w) {
    w.options.keepalive = 100_s;
    w.options.keepalive_probes = 2;
  }));
  t.fires_after(100_s).sends({.seq = 0, .ack = 1}).quiet().gets({.ack = 1});
  t.fires_after(75_s).quiet().fires_after(25_s).sends({.seq = 0}).quiet();
  t.fires_after(75_s).sends({.seq = 0}).quiet().fires_after(75_s).is(State::Closed).has_events(event::failed);
}

TEST(KeepAlive, a_probe_of_the_peer_is_answered) {
  Script::established().gets({.seq = 0}).sends({.seq = 1, .ack = 1}).quiet();
}

}  // namespace
}  // namespace sluice::test
