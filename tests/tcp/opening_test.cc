// SPDX-License-Identifier: Apache-2.0
// Handshakes that peers begin: records, cookies, and what each segment means to them.
#include "tcp/opening.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "support/tcp_room.h"
#include "tcp/syn_cookie.h"

namespace sluice::test {
namespace {

using namespace wire::tcp_flag;
using tcp::Opening;
using tcp::Segment;
using tcp::State;

// ---- the record's judgement, RFC 9293 §3.10.7.4 in SYN-RECEIVED

struct Verdict {
  const char* claim;
  Segment in;
  Opening::Answer answer;
  Counter why = Counter::tcp_established;
};
constexpr uint32_t iss = 5'000, irs = 100;

TEST(Opening, judges_each_segment_as_rfc_9293_and_5961_say) {
  using A = Opening::Answer;
  const Opening o{.iss = {iss}, .irs = {irs}};
  const SeqNum nxt{irs + 1}, una{iss + 1};
  const Verdict cases[] = {
      {"the third segment", {.seq = nxt, .ack = una, .flags = ack}, A::Complete},
      {"the third segment with text and FIN",
       {.seq = nxt, .ack = una, .flags = ack | fin, .text = 9},
       A::Complete},
      {"text further on in the window",
       {.seq = nxt + 1000, .ack = una, .flags = ack, .text = 9},
       A::Complete},
      {"the SYN again", {.seq = {irs}, .flags = syn}, A::Again},
      {"the SYN again with text", {.seq = {irs}, .flags = syn, .text = 9}, A::Again},
      {"another SYN in the window", {.seq = nxt + 50, .flags = syn}, A::Challenge, Counter::tcp_bad_syn},
      {"another SYN beyond it",
       {.seq = nxt + 70'000, .flags = syn},
       A::Acknowledge,
       Counter::tcp_out_of_window},
      {"a SYN and ACK", {.seq = nxt, .ack = una, .flags = syn | ack}, A::Challenge, Counter::tcp_bad_syn},
      {"an exact reset", {.seq = nxt, .flags = rst}, A::Forget},
      {"a reset elsewhere in the window",
       {.seq = nxt + 1, .flags = rst},
       A::Challenge,
       Counter::tcp_bad_reset},
      {"a reset outside", {.seq = {irs}, .flags = rst}, A::Drop, Counter::tcp_bad_reset},
      {"an ACK of nothing we sent",
       {.seq = nxt, .ack = una + 1, .flags = ack},
       A::Reset,
       Counter::tcp_bad_ack},
      {"an ACK of nothing at all", {.seq = nxt, .ack = {iss}, .flags = ack}, A::Reset, Counter::tcp_bad_ack},
      {"no ACK", {.seq = nxt, .flags = psh, .text = 1}, A::Drop, Counter::tcp_no_ack},
      {"an ACK below the window",
       {.seq = {irs}, .ack = una, .flags = ack},
       A::Challenge,
       Counter::tcp_out_of_window},
      {"text beyond the window",
       {.seq = nxt + 70'000, .ack = una, .flags = ack, .text = 5},
       A::Acknowledge,
       Counter::tcp_out_of_window},
  };
  for (const Verdict& c : cases) {
    const auto v = o.on_segment(c.in, tcp::Options{});
    EXPECT_EQ(v.answer, c.answer) << c.claim;
    EXPECT_EQ(v.why, c.why) << c.claim;
  }
}

TEST(Opening, demands_the_timestamps_it_agreed_to) {
  const Opening o{.iss = {iss}, .irs = {irs}, .ts_recent = 1000, .timestamps = 1};
  Segment in{.seq = {irs + 1}, .ack = {iss + 1}, .flags = ack};
  EXPECT_EQ(o.on_segment(in, {}).why, Counter::tcp_no_timestamp);
  in.options.timestamps = {999, 0};
  EXPECT_EQ(o.on_segment(in, {}).why, Counter::tcp_paws);
  in.options.timestamps = {1000, 0};
  EXPECT_EQ(o.on_segment(in, {}).answer, Opening::Answer::Complete);
  EXPECT_EQ(o.on_segment({.seq = {irs + 1}, .flags = rst}, {}).answer, Opening::Answer::Forget);
}

// ---- the room's records

TEST_F(Room, text_in_a_syn_is_left_to_be_sent_again) {
  gets({.seq = {100}, .flags = syn}, "early");
  const auto answer = one();
  EXPECT_EQ(answer.flags, syn | ack);
  EXPECT_EQ(answer.ack.v, 101u);
}

TEST_F(Room, a_syn_alone_makes_no_connection) {
  gets({.seq = {100}, .flags = syn});
  serve();
  EXPECT_EQ(host->room.half_open(), 1u);
  EXPECT_EQ(host->room.connections(State::SynReceived), 1u);
  EXPECT_TRUE(host->apps.empty());
  gets({.seq = {101}, .flags = rst});
  EXPECT_EQ(host->room.half_open(), 0u);
  EXPECT_EQ(host->room.connections(State::SynReceived), 0u);
  sent();
  EXPECT_EQ(host->room.deadline(), Instant::never()) << "no timer is left behind";
}

TEST_F(Room, the_answer_to_a_syn_is_sent_again_with_doubled_waits_and_then_given_up) {
  tcp::Options o = small();
  o.syn_ack_retries = 3;
  start(o);
  gets({.seq = {100}, .flags = syn});
  const SeqNum ours = one().seq;
  for (const Duration wait : {1_s, 2_s, 4_s}) {
    now = now + wait - 10_ms;
    host->room.expire(now);
    EXPECT_TRUE(sent().empty());
    now = now + 12_ms;
    host->room.expire(now);
    const auto again = one();
    EXPECT_EQ(again.flags, syn | ack);
    EXPECT_EQ(again.seq, ours);
  }
  now = now + 9_s;
  host->room.expire(now);
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(host->room.half_open(), 0u);
  EXPECT_EQ(counted(Counter::tcp_half_open_expired), 1u);
  EXPECT_EQ(counted(Counter::tcp_syn_acks_again), 3u);
  EXPECT_EQ(host->room.deadline(), Instant::never());
}

TEST_F(Room, a_repeated_syn_is_answered_again_by_the_record) {
  gets({.seq = {100}, .flags = syn});
  const auto first = one();
  gets({.seq = {100}, .flags = syn});
  const auto again = one();
  EXPECT_EQ(again.seq, first.seq);
  EXPECT_EQ(host->room.half_open(), 1u);
}

// RFC 3168 §6.1.1: one SYN that did not ask, and the connection does without.
TEST_F(Room, a_syn_repeated_without_its_question_for_ecn_is_answered_without) {
  gets({.seq = {100}, .flags = syn | ece | cwr});
  EXPECT_EQ(one().flags, syn | ack | ece);
  gets({.seq = {100}, .flags = syn | ece | cwr});
  EXPECT_EQ(one().flags, syn | ack | ece);
  gets({.seq = {100}, .flags = syn});
  const auto answer = one();
  EXPECT_EQ(answer.flags, syn | ack);
  gets({.seq = {101}, .ack = answer.seq + 1, .flags = ack});
  EXPECT_EQ(counted(Counter::tcp_established), 1u);
  EXPECT_EQ(counted(Counter::tcp_ecn_agreed), 0u);
}

TEST_F(Room, text_and_fin_in_the_third_segment_are_taken) {
  gets({.seq = {100}, .flags = syn});
  const SeqNum una = one().seq + 1;
  gets({.seq = {101}, .ack = una, .flags = ack | fin}, "all of it");
  serve();
  ASSERT_EQ(host->apps.size(), 1u);
  EXPECT_EQ(host->apps.begin()->second.got, "all of it");
  EXPECT_TRUE(host->apps.begin()->second.peer_closed);
  EXPECT_EQ(one().ack.v, 101u + 9 + 1);
}

TEST_F(Room, a_handshake_that_ends_in_a_full_house_waits_for_room) {
  tcp::Options o = small();
  o.connections = 1;
  start(o);
  gets({.src = {1000}, .seq = {100}, .flags = syn});
  gets({.src = {1001}, .seq = {100}, .flags = syn});
  const auto answers = sent();
  ASSERT_EQ(answers.size(), 2u);
  gets({.src = {1000}, .seq = {101}, .ack = answers[0].head.seq + 1, .flags = ack});
  gets({.src = {1001}, .seq = {101}, .ack = answers[1].head.seq + 1, .flags = ack});
  EXPECT_EQ(counted(Counter::tcp_no_room), 1u);
  EXPECT_EQ(host->room.half_open(), 1u);
  gets({.src = {1000}, .seq = {101}, .flags = rst});
  serve();
  gets({.src = {1001}, .seq = {101}, .ack = answers[1].head.seq + 1, .flags = ack}, "x");
  serve();
  EXPECT_EQ(host->room.connections(State::Established), 1u);
  EXPECT_EQ(host->room.half_open(), 0u);
}

TEST_F(Room, one_burst_may_hold_a_whole_connection) {
  gets({.seq = {100}, .flags = syn});
  const SeqNum una = one().seq + 1;
  buf::Batch batch;
  for (const auto& [seq, text, flags] :
       {std::tuple{101u, "one ", ack}, {105u, "two", ack}, {108u, "", uint8_t(fin | ack)}})
    batch.push(ip4_packet(
        host_a, host_b,
        bytes({.src = {1000}, .dst = {80}, .seq = {seq}, .ack = una, .flags = flags, .window = {65535}},
              text)));
  host->room.input(batch, now);
  serve();
  EXPECT_EQ(host->apps.begin()->second.got, "one two");
  EXPECT_EQ(one().ack.v, 109u) << "one acknowledgement for all of it";
}

TEST_F(Room, urgent_text_is_taken_in_line) {
  const SeqNum nxt = establish();
  gets({.seq = {101}, .ack = nxt, .flags = ack | urg}, "urgent");
  serve();
  EXPECT_EQ(host->apps.begin()->second.got, "urgent");
  EXPECT_EQ(counted(Counter::tcp_urgent), 1u);
}

TEST_F(Room, the_ceiling_of_the_segment_size_is_offered_and_kept) {
  tcp::Options o = small();
  o.most_mss = 1'000;
  start(o);
  host->pattern.to_send = noise(3'000, 1);
  gets(ip4_packet(host_a, host_b,
                  bytes({.src = {1000}, .dst = {80}, .seq = {100}, .flags = syn, .window = {65535}}, "",
                        {2, 4, 5, 0xb4})));
  const auto answer = sent().at(0);
  EXPECT_EQ(answer.options.mss, 1'000);
  gets({.seq = {101}, .ack = answer.head.seq + 1, .flags = ack});
  serve();
  for (const Sent& s : sent()) EXPECT_LE(s.text.size(), 1'000u);
}

TEST_F(Room, connect_tries_the_ports_of_a_destination_one_after_the_other) {
  tcp::Options o = small();
  start(o);
  const Tuple to{.remote = host_a, .local = host_b, .remote_port = {80}};
  std::vector<uint16_t> ports;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(host->room.connect(to, 1, now).has_value());
  for (const Sent& s : sent()) ports.push_back(s.head.src.v);
  ASSERT_EQ(ports.size(), 3u);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ports[i] == o.port_last ? o.port_first : ports[i] + 1u, ports[i + 1]);
}

// ---- cookies

tcp::Options cookies(uint32_t half_open) {
  tcp::Options o = small();
  o.half_open = half_open;
  return o;
}

TEST_F(Room, above_the_budget_every_syn_is_answered_and_none_remembered) {
  start(cookies(4));
  for (uint16_t port = 1000; port < 1050; ++port) gets({.src = {port}, .seq = {100}, .flags = syn});
  const auto answers = sent();
  ASSERT_EQ(answers.size(), 50u);
  EXPECT_EQ(host->room.half_open(), 4u);
  EXPECT_EQ(counted(Counter::tcp_cookies_sent), 46u);
  EXPECT_EQ(counted(Counter::tcp_half_open_shed), 0u);
  for (const size_t i : {1, 30, 49}) {
    gets({.src = answers[i].head.dst, .seq = {101}, .ack = answers[i].head.seq + 1, .flags = ack}, "hello");
    serve();
  }
  EXPECT_EQ(host->room.connections(State::Established), 3u);
  EXPECT_EQ(counted(Counter::tcp_cookies_good), 2u);
  for (const auto& [id, app] : host->apps) EXPECT_EQ(app.got, "hello");
}

TEST_F(Room, a_guessed_cookie_opens_nothing) {
  start(cookies(0));
  gets({.src = {999}, .seq = {100}, .flags = syn});
  const SeqNum cookie = one().seq;
  Rng rng{7};
  for (int n = 0; n < 2'000; ++n) {
    gets({.src = {1000}, .seq = {101}, .ack = {static_cast<uint32_t>(rng())}, .flags = ack});
    EXPECT_EQ(one().flags, rst);
  }
  gets({.src = {1000}, .seq = {101}, .ack = cookie + 1, .flags = ack});
  EXPECT_EQ(one().flags, rst) << "of another tuple";
  gets({.src = {999}, .seq = {102}, .ack = cookie + 1, .flags = ack});
  EXPECT_EQ(one().flags, rst) << "of another number of the peer";
  gets({.src = {999}, .seq = {102}, .ack = cookie + 1, .flags = ack}, "text that overtook some");
  EXPECT_TRUE(sent().empty()) << "may be honest, and shows what is missing when it is sent again";
  EXPECT_EQ(counted(Counter::tcp_cookies_bad), 2'003u);
  EXPECT_EQ(host->room.connections(State::Established), 0u);
  gets({.src = {999}, .seq = {101}, .ack = cookie + 1, .flags = ack});
  EXPECT_EQ(host->room.connections(State::Established), 1u);
}

TEST_F(Room, no_cookie_is_looked_at_when_none_is_out) {
  establish();
  gets({.src = {1001}, .seq = {101}, .ack = {5}, .flags = ack});
  EXPECT_EQ(one().flags, rst);
  EXPECT_EQ(counted(Counter::tcp_cookies_bad), 0u);
}

TEST_F(Waiting, a_cookie_takes_the_place_of_a_record_only_with_its_answer) {
  host.reset();
  start(cookies(0));
  host->pattern.close_when_sent = true;
  const SeqNum nxt = establish();
  serve();
  one();
  gets({.seq = {101}, .ack = nxt + 1, .flags = fin | ack});
  one();
  serve();
  ASSERT_EQ(host->room.connections(State::TimeWait), 1u);
  gets({.seq = {5'000}, .flags = syn});
  const auto r = one();
  EXPECT_EQ(r.flags, syn | ack);
  EXPECT_EQ(host->room.connections(State::TimeWait), 1u) << "the SYN may be forged";
  gets({.seq = {5'001}, .ack = r.seq + 1, .flags = ack});
  EXPECT_EQ(host->room.connections(State::TimeWait), 0u);
  EXPECT_EQ(host->room.connections(State::Established), 1u);
}

const Tuple peer{.remote = host_a, .local = host_b, .remote_port = {1000}, .local_port = {80}};

// What comes back when the peer answers `o`, sent when the timestamp clock said `clock`.
Segment answer_to(const Opening& o, uint32_t clock) {
  Segment s{.seq = o.irs + 1, .ack = o.iss + 1, .flags = ack};
  if (o.timestamps) s.options.timestamps = {o.ts_recent + 5, tcp::SynCookies::stamp(clock, o)};
  return s;
}

TEST(SynCookie, brings_back_mss_scale_and_timestamps) {
  tcp::SynCookies cookies{{1, 2}};
  const Instant now{1'000'000'000'000};
  struct {
    uint16_t mss, comes_back;
  } const sizes[] = {{0, 88},      {88, 88},     {536, 536},   {1219, 536},
                     {1460, 1460}, {1500, 1460}, {9000, 8940}, {65535, 8940}};
  for (const auto& [mss, comes_back] : sizes)
    for (uint16_t shift = 0; shift <= 15; ++shift)
      for (const uint32_t clock : {0u, 127u, 128u, 0xffff'ffffu}) {
        Opening o{.irs = {77}, .ts_recent = 40, .mss = mss};
        o.timestamps = 1;
        o.scaling = shift < 15;
        o.shift = static_cast<uint16_t>((o.scaling ? shift : 0) & 0xf);
        o.sack = shift % 3 == 0;
        o.ecn = shift % 5 == 0;
        cookies.seal(peer, o, now);
        const auto back = cookies.open(peer, answer_to(o, clock), {}, now + 1_s);
        ASSERT_TRUE(back.has_value());
        EXPECT_EQ(back->mss, comes_back);
        EXPECT_EQ(back->scaling, o.scaling);
        EXPECT_EQ(back->shift, o.shift);
        EXPECT_EQ(back->sack, o.sack);
        EXPECT_EQ(back->ecn, o.ecn);
        EXPECT_EQ(back->irs, o.irs);
        EXPECT_EQ(back->iss, o.iss);
        EXPECT_EQ(back->ts_recent, 45u);
      }
}

TEST(SynCookie, without_timestamps_agrees_to_nothing_else) {
  tcp::SynCookies cookies{{1, 2}};
  Opening o{.irs = {77}, .mss = 1460};
  o.scaling = 1;
  o.shift = 7;
  cookies.seal(peer, o, {});
  const auto back = cookies.open(peer, answer_to(o, 0), {}, Instant{} + 1_s);
  ASSERT_TRUE(back.has_value());
  EXPECT_FALSE(back->scaling);
  EXPECT_FALSE(back->timestamps);
}

TEST(SynCookie, lives_for_one_turn_of_the_keys_and_not_for_two) {
  tcp::SynCookies cookies{{1, 2}};
  for (int at = 0; at < 128; at += 9) {
    const Instant made = Instant{640'000'000'000} + Duration::from_s(at);
    Opening o{.irs = {77}};
    cookies.seal(peer, o, made);
    EXPECT_TRUE(cookies.open(peer, answer_to(o, 0), {}, made + 63_s).has_value()) << at;
    EXPECT_FALSE(cookies.open(peer, answer_to(o, 0), {}, made + 128_s).has_value()) << at;
    EXPECT_TRUE(cookies.awaits(made + 127_s));
    EXPECT_FALSE(cookies.awaits(made + 128_s));
  }
}

TEST(SynCookie, fits_nothing_that_was_changed) {
  tcp::SynCookies cookies{{1, 2}}, other{{1, 3}};
  const Instant now{640'000'000'000};
  Opening o{.irs = {77}, .ts_recent = 40, .mss = 1460};
  o.timestamps = o.scaling = 1;
  o.shift = 7;
  cookies.seal(peer, o, now);
  const Segment right = answer_to(o, 5'000);
  ASSERT_TRUE(cookies.open(peer, right, {}, now).has_value());
  EXPECT_FALSE(other.open(peer, right, {}, now).has_value()) << "another key";
  for (int bit = 0; bit < 32; ++bit) {
    Segment s = right;
    s.ack = {right.ack.v ^ 1u << bit};
    EXPECT_FALSE(cookies.open(peer, s, {}, now).has_value()) << "ack bit " << bit;
    s = right;
    s.seq = {right.seq.v ^ 1u << bit};
    EXPECT_FALSE(cookies.open(peer, s, {}, now).has_value()) << "seq bit " << bit;
    s = right;
    s.options.timestamps->ecr ^= 1u << bit;
    EXPECT_EQ(cookies.open(peer, s, {}, now).has_value(), bit >= 7) << "timestamp bit " << bit;
  }
  Tuple t = peer;
  t.remote_port = {1001};
  EXPECT_FALSE(cookies.open(t, right, {}, now).has_value());
}

TEST(SynCookie, stamps_are_not_ahead_of_the_clock_nor_far_behind) {
  Opening o;
  o.timestamps = o.scaling = 1;
  for (uint16_t shift = 0; shift <= 14; ++shift)
    for (uint32_t clock = 1'000; clock < 1'200; ++clock) {
      o.shift = shift & 0xf;
      const uint32_t v = tcp::SynCookies::stamp(clock, o);
      EXPECT_LE(v, clock);
      EXPECT_GT(v + 128, clock);
    }
}

}  // namespace
}  // namespace sluice::test
