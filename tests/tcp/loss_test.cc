// SPDX-License-Identifier: Apache-2.0
// Loss as a peer without SACK tells it, and timeouts: RFC 5681, 6582, 6298.
#include <gtest/gtest.h>

#include "support/script.h"

namespace sluice::test {
namespace {

using tcp::State;
namespace event = buf::stream_event;

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
  t.fires_after(1600_ms)
      .quiet()
      .is(State::Closed)
      .has_events(event::failed)
      .counted(Counter::tcp_gave_up_retries, 1);
  EXPECT_EQ(t.conn().failure(), buf::Failure::NoAnswer);
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

}  // namespace
}  // namespace sluice::test
