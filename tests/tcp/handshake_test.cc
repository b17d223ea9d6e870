// SPDX-License-Identifier: Apache-2.0
// How connections begin: RFC 9293 §3.5, §3.10.7.3; the options that are agreed on, RFC 7323.
#include <gtest/gtest.h>

#include "support/script.h"

namespace sluice::test {
namespace {

using tcp::State;
namespace event = buf::stream_event;
constexpr uint8_t fin = Script::fin, syn = Script::syn, rst = Script::rst, ack = Script::ack;

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

// RFC 9293 §3.8.3 (MUST-23), with the options as they come.
TEST(Open, a_syn_is_sent_again_for_three_minutes_at_least) {
  auto t = Script::active();
  const Instant begun = t.now;
  t.sends({.seq = 0, .flags = syn});
  for (;;) {
    t.now = t.conn().deadline();
    t.conn().on_deadline(t.now);
    if (t.conn().state() == State::Closed) break;
    t.sends({.seq = 0, .flags = syn}).quiet();
  }
  EXPECT_GE(t.now - begun, 180_s);
  EXPECT_EQ(t.conn().failure(), buf::Failure::NoAnswer);
  t.counted(Counter::tcp_gave_up_handshake, 1);
}

TEST(Open, connecting_is_given_up_after_connect_timeout) {
  const World impatient = World{}.with([](World& w) { w.options.connect_timeout = 2500_ms; });
  auto t = Script::active(impatient);
  t.sends({.seq = 0, .flags = syn}).fires_after(1_s).sends({.seq = 0, .flags = syn});
  t.fires_after(1500_ms).quiet().is(State::Closed).has_events(event::failed).nothing_armed();
  EXPECT_EQ(t.conn().failure(), buf::Failure::NoAnswer);
  t.counted(Counter::tcp_gave_up_handshake, 1);
  auto quick = Script::active(World{}.with([](World& w) { w.options.connect_timeout = 100_ms; }));
  quick.sends({.seq = 0, .flags = syn}).fires_after(100_ms).quiet().is(State::Closed);
  auto passive = Script::passive(impatient);  // not ours to give up
  passive.sends({.flags = syn | ack}).fires_after(1_s).sends({.flags = syn | ack}).fires_after(2_s);
  passive.sends({.flags = syn | ack});
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

// RFC 9293 §3.10.4, §3.10.5: nothing is to be told to a peer that never answered.
TEST(Open, an_opening_connection_that_is_closed_or_aborted_is_gone) {
  auto t = Script::active();
  t.sends({.seq = 0, .flags = syn}).close().is(State::Closed).quiet().nothing_armed();
  auto u = Script::active();
  u.sends({.seq = 0, .flags = syn});
  tcp::Segment reset;
  EXPECT_FALSE(u.conn().abort(reset, u.now));
  u.is(State::Closed).quiet().nothing_armed();
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

}  // namespace
}  // namespace sluice::test
