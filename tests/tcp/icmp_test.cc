// SPDX-License-Identifier: Apache-2.0
// ICMP errors about our segments: believed as far as RFC 5927 says, and the path MTU they tell.
#include "tcp/icmp.h"

#include <gtest/gtest.h>

#include "support/script.h"
#include "support/tcp_room.h"

namespace sluice::test {
namespace {

using namespace wire::tcp_flag;
using tcp::State;
using Effect = tcp::Conn::Icmp;
using Kind = tcp::IcmpNews::Kind;
constexpr uint32_t iss = 5'000;  // of World

TEST(Icmp, a_hard_error_ends_what_is_being_opened) {
  auto t = Script::active();
  t.sends({.seq = 0, .flags = syn});
  EXPECT_EQ(t.conn().on_unreachable({iss}, true), Effect::Ended);
  t.is(State::Closed).has_events(buf::stream_event::failed).nothing_armed();
}

TEST(Icmp, a_soft_error_or_one_about_another_number_ends_nothing) {
  auto t = Script::active();
  t.sends({.seq = 0, .flags = syn});
  EXPECT_EQ(t.conn().on_unreachable({iss}, false), Effect::Noted);
  EXPECT_EQ(t.conn().on_unreachable({iss + 1}, true), Effect::Strange);
  EXPECT_EQ(t.conn().on_unreachable({iss - 1}, true), Effect::Strange);
  t.is(State::SynSent);
}

TEST(Icmp, what_was_said_while_opening_is_no_reason_once_the_peer_has_answered) {
  auto t = Script::active();
  t.sends({.seq = 0, .flags = syn});
  EXPECT_EQ(t.conn().on_unreachable({iss}, false), Effect::Noted);
  t.gets({.seq = 0, .ack = 1, .flags = syn | ack, .mss = 1000}).sends({.ack = 1}).is(State::Established);
  t.write(1000).sends({.seq = 1, .len = 1000});
  for (tcp::Segment s; t.conn().state() != State::Closed;) {
    t.after(60_s);
    while (t.conn().next_segment(t.now, s)) continue;
  }
  EXPECT_EQ(t.conn().failure(), buf::Failure::NoAnswer);
}

TEST(Icmp, an_established_connection_survives_hard_errors) {
  auto t = Script::established();
  t.write(1000).sends({.seq = 1, .len = 1000});
  EXPECT_EQ(t.conn().on_unreachable({iss + 1}, true), Effect::Noted);
  EXPECT_EQ(t.conn().on_unreachable({iss + 1001}, true), Effect::Strange);
  t.is(State::Established).gets({.ack = 1001}).quiet();
}

TEST(Icmp, a_narrow_path_makes_segments_smaller_at_once_and_costs_no_window) {
  auto t = Script::established();
  t.write(2000).sends({.seq = 1, .len = 1000}).sends({.seq = 1001, .len = 1000}).quiet();
  const uint32_t window = t.conn().congestion().window();
  EXPECT_EQ(t.conn().on_too_big({iss + 1}, 600, t.now), Effect::TooBig);
  t.sends({.seq = 1, .len = 600});
  EXPECT_EQ(t.conn().congestion().window(), window);
  EXPECT_EQ(t.conn().mss(), 600u);
  t.counted(Counter::tcp_mtu_lowered, 1);
}

TEST(Icmp, a_path_is_not_made_wider_nor_for_a_segment_that_is_not_in_flight) {
  auto t = Script::established();
  t.write(1000).sends({.seq = 1, .len = 1000});
  EXPECT_EQ(t.conn().on_too_big({iss + 1}, 1400, t.now), Effect::Strange);
  EXPECT_EQ(t.conn().on_too_big({iss + 1001}, 600, t.now), Effect::Strange);
  EXPECT_EQ(t.conn().on_too_big({iss}, 600, t.now), Effect::Strange);
  t.quiet();
  EXPECT_EQ(t.conn().mss(), 1000u);
}

TEST(Icmp, a_path_that_carried_as_much_is_believed_narrow_only_when_it_loses) {
  auto t = Script::established();
  t.write(1000).sends({.seq = 1, .len = 1000}).gets({.ack = 1001}).quiet();
  t.write(1000).sends({.seq = 1001, .len = 1000});
  EXPECT_EQ(t.conn().on_too_big({iss + 1001}, 600, t.now), Effect::Noted);
  t.quiet().gets({.ack = 2001}).quiet();
  EXPECT_EQ(t.conn().mss(), 1000u) << "it arrived, so the claim was false";

  t.write(1000).sends({.seq = 2001, .len = 1000});
  EXPECT_EQ(t.conn().on_too_big({iss + 2001}, 600, t.now), Effect::Noted);
  uint32_t again = 0;
  for (int i = 0; i < 20 && again != 600; ++i) {
    t.after(200_ms);
    tcp::Segment s;
    while (t.conn().next_segment(t.now, s)) again = s.text;
  }
  EXPECT_EQ(again, 600u);
  EXPECT_EQ(t.conn().mss(), 600u);
}

TEST(Icmp, no_error_imposes_less_than_the_floor) {
  auto t = Script::established();
  t.write(1000).sends({.seq = 1, .len = 1000});
  EXPECT_EQ(t.conn().on_too_big({iss + 1}, 8, t.now), Effect::TooBig);
  EXPECT_EQ(t.conn().mss(), tcp::Options{}.least_mss);
}

tcp::IcmpNews news(SeqNum sequence, Kind kind, uint16_t mtu = 0, uint16_t port = 1000) {
  return {.tuple = {.remote = host_a, .local = host_b, .remote_port = {port}, .local_port = {80}},
          .sequence = sequence,
          .kind = kind,
          .mtu = mtu};
}

TEST_F(Room, a_hard_error_forgets_the_handshake_whose_answer_it_quotes) {
  gets({.seq = {100}, .flags = syn});
  const SeqNum ours = one().seq;
  host->room.on_icmp(news(ours + 1, Kind::Hard), now);
  host->room.on_icmp(news(ours, Kind::Soft), now);
  EXPECT_EQ(host->room.half_open(), 1u);
  host->room.on_icmp(news(ours, Kind::Hard), now);
  EXPECT_EQ(host->room.half_open(), 0u);
  host->room.on_icmp(news(ours, Kind::Hard), now);
  EXPECT_EQ(counted(Counter::tcp_icmp_strange), 2u);
  EXPECT_EQ(counted(Counter::tcp_icmp_noted), 1u);
  EXPECT_EQ(counted(Counter::tcp_icmp_ended), 1u);
}

TEST_F(Room, a_narrow_path_is_remembered_for_the_next_connections_and_forgotten_in_time) {
  host->pattern.to_send = noise(3'000, 1);
  const SeqNum nxt = establish();
  serve();
  ASSERT_FALSE(sent().empty());
  host->room.on_icmp(news(nxt, Kind::TooBig, 560), now);  // this peer takes 536 octets of text
  EXPECT_EQ(counted(Counter::tcp_icmp_too_big), 1u);
  const auto again = sent();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again[0].text.size(), 520u);
  host->room.listen({}, Port{80}, 7, {}, {}, 1);
  const auto offered = [&](uint16_t port, uint16_t vrf = 0) {
    gets({.src = {port}, .seq = {100}, .flags = syn}, {}, vrf);
    return sent().at(0).options.mss;
  };
  EXPECT_EQ(offered(2000), 520);
  EXPECT_EQ(offered(2000, 1), 1460) << "the same address in another VRF is somebody else's";
  now = now + 601_s;
  EXPECT_EQ(offered(2001), 1460);
}

TEST_F(Room, a_router_that_names_no_mtu_gets_the_next_plateau) {
  tcp::Options o = small();
  o.least_path_mtu = 68;
  start(o);
  host->pattern.to_send = noise(3'000, 1);
  gets({.seq = {100}, .flags = syn});
  const SeqNum nxt = one().seq + 1;
  gets({.seq = {101}, .ack = nxt, .flags = ack});
  serve();
  sent();
  host->room.on_icmp(news(nxt, Kind::TooBig), now);  // 536 without an MSS option: 576, so 508
  const auto again = sent();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again[0].text.size(), 508u - 40);
}

}  // namespace
}  // namespace sluice::test
