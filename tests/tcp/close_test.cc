// SPDX-License-Identifier: Apache-2.0
// How connections end: RFC 9293 §3.6, §3.10.4, §3.10.5; silence, §3.8.4.
#include <gtest/gtest.h>

#include "support/script.h"

namespace sluice::test {
namespace {

using tcp::State;
namespace event = buf::stream_event;
constexpr uint8_t fin = Script::fin, rst = Script::rst, ack = Script::ack;

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
