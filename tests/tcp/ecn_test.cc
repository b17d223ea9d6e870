// SPDX-License-Identifier: Apache-2.0
// Congestion that routers mark: RFC 3168, both ends.
#include <gtest/gtest.h>

#include "sacked.h"

namespace sluice::test {
namespace {

using tcp::State;
constexpr uint8_t syn = Script::syn, ack = Script::ack;
constexpr uint8_t ece = wire::tcp_flag::ece, cwr = wire::tcp_flag::cwr;

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

}  // namespace
}  // namespace sluice::test
