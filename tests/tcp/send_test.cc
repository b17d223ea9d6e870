// SPDX-License-Identifier: Apache-2.0
// What may be sent and when: windows, Nagle, probes of a closed window: RFC 9293 §3.7.4, §3.8.6.
#include <gtest/gtest.h>

#include "support/script.h"

namespace sluice::test {
namespace {

using tcp::State;
namespace event = buf::stream_event;

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

}  // namespace
}  // namespace sluice::test
