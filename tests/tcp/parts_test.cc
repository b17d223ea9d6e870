// SPDX-License-Identifier: Apache-2.0
// The small parts of a connection: estimator, congestion window, reassembly.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/rng.h"
#include "tcp/congestion.h"
#include "tcp/pacer.h"
#include "tcp/prr.h"
#include "tcp/reassembly.h"
#include "tcp/rtt.h"
#include "tcp/scoreboard.h"

namespace sluice::tcp {
namespace {

// What the scoreboard says, as one letter an octet.
void read_back(Scoreboard& board, SentPool& pool, std::vector<char>& octets) {
  size_t at = 0;
  board.each(pool, [&](Sent& s, uint32_t n) {
    std::fill_n(octets.begin() + static_cast<ptrdiff_t>(at), n,
                s.is(Sent::sacked) ? 'S'
                : s.is(Sent::lost) ? 'L'
                                   : '.');
    at += n;
    return true;
  });
}

TEST(Rtt, follows_rfc_6298) {
  const Options o;
  Rtt r;
  EXPECT_EQ(r.rto(o), o.rto_initial);
  r.sample(100_ms);  // srtt 100, var 50
  EXPECT_EQ(r.rto(o), 300_ms);
  r.sample(200_ms);  // err 100: var 62.5, srtt 112.5
  EXPECT_EQ(r.rto(o), Duration{112'500'000 + 4 * 62'500'000});
}

TEST(Rtt, keeps_floor_and_ceiling_and_forgets_the_backoff_with_a_sample) {
  const Options o;
  Rtt r;
  r.sample(1_ms);
  EXPECT_EQ(r.rto(o), o.rto_min);
  r.back_off();
  EXPECT_EQ(r.rto(o), o.rto_min * 2);
  for (int i = 0; i < 100; ++i) r.back_off();
  EXPECT_EQ(r.rto(o), o.rto_max);
  r.sample(1_ms);
  EXPECT_EQ(r.rto(o), o.rto_min);
}

Congestion of(Algorithm how) {
  Congestion c;
  c.start(how, 1000, 10);
  return c;
}
Acked acked(uint32_t octets) {
  return {.now = Instant{1'000'000'000}, .octets = octets, .rtt = 0_ms, .srtt = 10_ms, .una = {}, .nxt = {}};
}

TEST(Reno, grows_by_what_was_acknowledged_then_by_one_segment_a_window) {
  Congestion r = of(Algorithm::Reno);
  r.on_ack(acked(1000));
  EXPECT_EQ(r.window(), 11'000u);
  r.on_timeout(10'000, true);
  EXPECT_EQ(r.window(), 1000u);
  EXPECT_EQ(r.threshold(), 5000u);
  for (int i = 0; i < 4; ++i) r.on_ack(acked(1000));
  EXPECT_EQ(r.window(), 5000u);
  for (int i = 0; i < 5; ++i) r.on_ack(acked(1000));
  EXPECT_EQ(r.window(), 6000u);
}

TEST(Reno, halves_what_is_in_flight_and_keeps_two_segments) {
  Congestion r = of(Algorithm::Reno);
  r.reduce(10'000, 10'000, 0);
  EXPECT_EQ(r.threshold(), 5000u);
  r.reduce(1000, 1000, 0);
  EXPECT_EQ(r.threshold(), 2000u);
}

TEST(Reno, without_pacing_an_acknowledgement_of_many_counts_for_two) {
  Congestion r = of(Algorithm::Reno);
  r.on_ack(acked(9000));
  EXPECT_EQ(r.window(), 12'000u);
  Acked a = acked(9000);
  a.paced = true;
  r.on_ack(a);
  EXPECT_EQ(r.window(), 21'000u);
}

TEST(Cubic, falls_to_seven_tenths_and_is_back_at_its_old_window_after_k) {
  Congestion c = of(Algorithm::Cubic);
  c.set_window(100'000);
  c.reduce(100'000, 100'000, 0);
  EXPECT_EQ(c.threshold(), 70'000u);
  c.set_window(70'000);
  // K = cbrt(30 / 0.4) = 4.217 s. A round trip of 1 s: slow enough that Reno does not overtake.
  Acked a = acked(0);
  a.srtt = 1_s;
  uint32_t at_k = 0, last = 0;
  for (int ms = 0; ms <= 9'000; ms += 10) {
    a.now = Instant{1'000'000'000} + Duration::from_ms(ms);
    a.octets = c.window() / 100;  // a hundredth of the round trip
    c.on_ack(a);
    EXPECT_GE(c.window(), last);
    last = c.window();
    if (ms == 4'220) at_k = last;
  }
  EXPECT_NEAR(at_k, 100'000, 2'000);
  EXPECT_GT(last, 120'000u) << "convex beyond K";
}

TEST(Cubic, on_a_short_path_is_never_slower_than_reno) {
  Congestion c = of(Algorithm::Cubic), r = of(Algorithm::Reno);
  for (Congestion* x : {&c, &r}) {
    x->set_window(20'000);
    x->reduce(20'000, 20'000, 0);
    x->set_window(x->threshold());
  }
  for (int round = 0; round < 200; ++round) {
    for (Congestion* x : {&c, &r})
      for (uint32_t left = x->window(); left > 0; left -= std::min(left, 1000u)) {
        Acked a = acked(std::min(left, 1000u));
        a.now = Instant{1'000'000'000} + Duration::from_ms(round);
        a.srtt = 1_ms;
        x->on_ack(a);
      }
  }
  // RFC 9438 §4.3: alpha below the old window, Reno's own pace above it.
  EXPECT_GT(c.window(), r.window() * 9 / 10);
}

TEST(Cubic, gives_way_faster_when_the_next_loss_comes_below_the_last) {
  Congestion c = of(Algorithm::Cubic);
  c.set_window(100'000);
  c.reduce(100'000, 100'000, 0);
  c.set_window(80'000);
  c.reduce(80'000, 80'000, 0);  // w_max is 80 * 0.85, so the next plateau is at 68'000
  c.set_window(56'000);
  Acked a = acked(0);
  a.srtt = 1_s;
  for (int ms = 0; ms <= 3'000; ms += 10) {
    a.now = Instant{1'000'000'000} + Duration::from_ms(ms);
    a.octets = c.window() / 100;
    c.on_ack(a);
  }
  EXPECT_NEAR(c.window(), 68'000, 1'500);
}

// A path of 1.25 MB/s and 40 ms; who sends faster has a queue there.
struct Bottleneck {
  static constexpr uint64_t rate = 1'250'000;
  static constexpr Duration rtt = 40_ms;

  // `rounds` round trips in ten acknowledgements each. `share` of 100: what the service lets go of that rate.
  void pass(int rounds, uint32_t share = 100, uint32_t lost = 0, Duration queued = 0_ms) {
    for (int i = 0; i < rounds * 10; ++i) {
      now = now + (rtt + queued) / 10;
      const uint64_t seen = rate * share / 100;
      const auto octets =
          static_cast<uint32_t>(seen * static_cast<uint64_t>((rtt + queued).us()) / 10'000'000);
      total += octets;
      const uint32_t queue = bbr.pacing_rate() > seen ? octets * 4 : 0;
      const uint32_t flight = std::min(w.cwnd, octets * 10 + queue);
      bbr.on_delivery(w, {.now = now,
                          .octets = octets,
                          .lost = i % 10 == 0 ? lost : 0,
                          .pipe = flight,
                          .total = total,
                          .sent_delivered = total - flight,
                          .rate = seen,
                          .interval_us = static_cast<uint32_t>((rtt + queued).us()),
                          .rtt = rtt + queued,
                          .srtt = rtt,
                          .rated = true,
                          .rate_limited = share < 100});
      if (bbr.mode() == Bbr::Mode::ProbeRtt) ++in_probe_rtt;
      slowest = std::min(slowest, bbr.pacing_rate());
      fastest = std::max(fastest, bbr.pacing_rate());
    }
  }
  CongestionWindow w{.mss = 1000, .cwnd = 10'000};
  Bbr bbr;
  Instant now{1'000'000'000};
  uint32_t total = 0;
  int in_probe_rtt = 0;
  uint64_t slowest = UINT64_MAX, fastest = 0;  // of its paces
};
constexpr uint32_t bdp = 50'000;

TEST(Bbr, finds_the_rate_of_the_path_and_holds_two_bandwidth_delay_products) {
  Bottleneck path;
  path.pass(1);
  EXPECT_EQ(path.bbr.mode(), Bbr::Mode::Startup);
  EXPECT_GT(path.bbr.pacing_rate(), Bottleneck::rate * 2) << "2/ln 2 of what was seen";
  path.pass(20);
  EXPECT_EQ(path.bbr.mode(), Bbr::Mode::ProbeBw) << "three rounds told of no more";
  EXPECT_EQ(path.bbr.bottleneck(), Bottleneck::rate);
  EXPECT_NEAR(path.w.cwnd, 2 * bdp + 6'000, 1'000);
  path.slowest = UINT64_MAX, path.fastest = 0;
  path.pass(16);
  EXPECT_NEAR(static_cast<double>(path.slowest), Bottleneck::rate * 0.75 * 0.99, 1'000) << "drains";
  EXPECT_NEAR(static_cast<double>(path.fastest), Bottleneck::rate * 1.25 * 0.99, 1'000) << "and probes";
}

TEST(Bbr, a_loss_conserves_packets_for_a_round_and_leaves_the_rate) {
  Bottleneck path;
  path.pass(20);
  const uint32_t cwnd = path.w.cwnd;
  path.bbr.on_loss(path.w, 30'000, path.total);
  EXPECT_EQ(path.w.cwnd, 31'000u);
  path.pass(3, 100, 1'000);
  EXPECT_EQ(path.bbr.bottleneck(), Bottleneck::rate);
  path.bbr.recovered();
  path.pass(1);
  EXPECT_NEAR(path.w.cwnd, cwnd, 1'000);
}

TEST(Bbr, losses_that_never_end_are_one_repair_and_keep_no_round_from_growing) {
  Bottleneck path;
  path.pass(2);
  path.bbr.on_loss(path.w, 20'000, path.total);
  for (int round = 0; round < 6; ++round) {
    path.pass(1, 100, 1'000);
    path.bbr.recovered();
    path.bbr.on_loss(path.w, 20'000, path.total);
  }
  EXPECT_GT(path.w.cwnd, 2 * bdp - 10'000);
}

TEST(Bbr, a_timeout_begins_with_one_segment_and_gives_the_window_back_when_all_is_repaired) {
  Bottleneck path;
  path.pass(20);
  const uint32_t cwnd = path.w.cwnd;
  path.bbr.on_timeout(path.w);
  EXPECT_EQ(path.w.cwnd, 1'000u);
  path.bbr.on_timeout(path.w);
  path.bbr.recovered();
  path.pass(1);
  EXPECT_NEAR(path.w.cwnd, cwnd, 1'000);
}

TEST(Bbr, what_the_service_held_down_is_no_rate_of_the_path) {
  Bottleneck path;
  path.pass(20);
  path.pass(60, 20);
  EXPECT_EQ(path.bbr.bottleneck(), Bottleneck::rate);
  EXPECT_EQ(path.bbr.mode(), Bbr::Mode::ProbeBw);
}

TEST(Bbr, a_path_that_became_slower_is_believed_after_twenty_rounds) {
  Bottleneck path;
  path.pass(20);
  for (int i = 0; i < 21 * 10; ++i) {
    path.now = path.now + 4_ms;
    path.total += 2'500;
    path.bbr.on_delivery(path.w, {.now = path.now,
                                  .octets = 2'500,
                                  .pipe = 25'000,
                                  .total = path.total,
                                  .sent_delivered = path.total - 25'000,
                                  .rate = 625'000,
                                  .interval_us = 40'000,
                                  .rtt = 40_ms,
                                  .srtt = 40_ms,
                                  .rated = true});
  }
  EXPECT_EQ(path.bbr.bottleneck(), 625'000u);
}

TEST(Bbr, after_ten_seconds_without_a_shorter_round_trip_the_queue_is_let_run_empty) {
  Bottleneck path;
  path.pass(20);
  path.pass(9'000 / 60, 100, 0, 20_ms);  // nine seconds
  EXPECT_EQ(path.in_probe_rtt, 0);
  path.pass(2'000 / 60, 100, 0, 20_ms);
  EXPECT_GT(path.in_probe_rtt, 20) << "200 ms at least";
  EXPECT_EQ(path.bbr.mode(), Bbr::Mode::ProbeBw);
  EXPECT_GT(path.w.cwnd, bdp);
  EXPECT_EQ(path.bbr.bottleneck(), Bottleneck::rate);
}

TEST(Bbr, congestion_marks_make_it_slower) {  // RFC 3168 §6.1.2
  Bottleneck path;
  path.pass(20);
  path.bbr.on_mark();
  EXPECT_EQ(path.bbr.bottleneck(), Bottleneck::rate * 7 / 8);
}

TEST(Bbr, is_chosen_like_the_others_and_paces_by_its_own_rate) {
  Congestion c = of(Algorithm::Bbr);
  EXPECT_EQ(c.algorithm(), Algorithm::Bbr);
  EXPECT_TRUE(c.models_path() && c.slow_start());
  EXPECT_EQ(c.pace(10_ms).per_second(), 2'000'000u) << "of the window, while no rate is known";
  c.on_ack(acked(1000));
  EXPECT_EQ(c.window(), 10'000u) << "told by on_delivery() alone";
  c.on_delivery({.now = Instant{1'000'000'000},
                 .octets = 1000,
                 .total = 1000,
                 .rate = 1'000'000,
                 .interval_us = 10'000,
                 .rtt = 10_ms,
                 .srtt = 10_ms,
                 .rated = true});
  EXPECT_GT(c.pace(10_ms).per_second(), 2'500'000u);
  EXPECT_FALSE(of(Algorithm::Reno).models_path() || of(Algorithm::Cubic).models_path());
}

TEST(Congestion, a_pause_halves_the_window_once_per_timeout_down_to_the_initial_one) {
  Congestion c = of(Algorithm::Cubic);
  c.set_window(80'000);
  c.on_idle(500_ms, 200_ms, 10);
  EXPECT_EQ(c.window(), 20'000u);
  c.on_idle(100_s, 200_ms, 10);
  EXPECT_EQ(c.window(), 10'000u);
}

// RFC 9406 §4.2, with round trips that the test sets.
TEST(HyStart, ends_slow_start_after_five_rounds_of_longer_round_trips) {
  HyStart h;
  uint32_t seq = 0;
  const auto round = [&](uint32_t rtt_us) {
    bool over = false;
    seq += 1000;
    for (int i = 0; i < 10; ++i)
      over = h.on_ack({seq + 1u + static_cast<uint32_t>(i)}, {seq + 1000}, rtt_us) || over;
    return over;
  };
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(round(20'000));
  EXPECT_FALSE(h.conservative());
  EXPECT_FALSE(round(25'000));
  EXPECT_TRUE(h.conservative());
  EXPECT_EQ(h.divisor(), 4u);
  int more = 0;
  while (!round(26'000)) ++more;
  EXPECT_EQ(more, 4) << "five rounds in all";
}

TEST(HyStart, goes_back_to_slow_start_when_the_round_trips_shrink_again) {
  HyStart h;
  uint32_t seq = 0;
  const auto round = [&](uint32_t rtt_us) {
    seq += 1000;
    for (int i = 0; i < 10; ++i)
      EXPECT_FALSE(h.on_ack({seq + 1u + static_cast<uint32_t>(i)}, {seq + 1000}, rtt_us));
  };
  round(20'000), round(20'000), round(25'000);
  EXPECT_TRUE(h.conservative());
  round(20'000);
  EXPECT_FALSE(h.conservative());
}

// RFC 6937 §3.1's arithmetic: the window follows what arrives down to ssthresh, and what is sent adds up to
// it.
TEST(Prr, spreads_the_reduction_over_the_round_trip) {
  Prr p;
  p.start(20'000);
  uint32_t pipe = 17'000, sent = 0, delivered = 0;
  for (int i = 0; i < 17; ++i) {
    const uint32_t cwnd = p.on_ack(1000, pipe -= 1000, 10'000, 1000, true);
    delivered += 1000;
    for (; cwnd >= pipe + 1000; pipe += 1000, sent += 1000) p.sent(1000);
    EXPECT_LE(sent, delivered) << "never more than arrives while above ssthresh";
  }
  EXPECT_NEAR(pipe, 10'000, 1000);
}

TEST(Prr, after_heavy_loss_grows_back_by_slow_start_when_acknowledgements_move_on) {
  Prr p;
  p.start(20'000);
  EXPECT_EQ(p.on_ack(1000, 4000, 10'000, 1000, false), 5000u) << "packet conservation";
  p.sent(1000);
  EXPECT_EQ(p.on_ack(1000, 4000, 10'000, 1000, true), 6000u) << "slow start reduction bound";
}

TEST(Pacer, lets_a_tick_go_at_once_and_keeps_the_rate_after_that) {
  Pacer p;
  Instant now{1'000'000'000};
  uint32_t sent = 0;
  for (int ms = 0; ms < 1'000; ++ms, now = now + 1_ms)
    while (p.open(now)) {
      p.sent(1000, {120'000, 100_ms}, now);  // 1.2 MB/s
      sent += 1000;
    }
  EXPECT_NEAR(sent, 1'200'000, 5'000);
}

TEST(Pacer, does_not_slow_a_path_shorter_than_a_tick) {
  Pacer p;
  const Instant now{1'000'000'000};
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(p.open(now));
    p.sent(60'000, {20'000, 200_us}, now);
  }
}

// Records against a plain array of octets, under every operation a connection uses.
TEST(Scoreboard, agrees_with_an_array_of_octets) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Rng rng{seed};
    SentPool pool{1, seed % 3 == 0 ? 2u : 400u};  // now and then too few records to cut
    const SeqNum start{0xffff'ff00};
    Scoreboard board{start};
    std::vector<char> octets;  // '.' in flight, 'S' sacked, 'L' lost; what is acknowledged is gone
    uint32_t una = 0, nxt = 0;
    for (int i = 0; i < 200; ++i) {
      const Instant now{1'000u + static_cast<uint64_t>(i) / 2};
      const Sent how{.end = {},
                     .next = no_index,
                     .sent = now,
                     .delivered = 0,
                     .delivered_us = 0,
                     .first_sent_us = 0,
                     .flags = 0};
      const auto within = [&] { return static_cast<uint32_t>(rng.below(nxt - una + 1)); };
      switch (rng.below(6)) {
        case 0:
        case 1: {
          const auto n = static_cast<uint32_t>(rng.below(40)) + 1;
          if (!board.sent(pool, start + nxt + n, how)) break;
          nxt += n;
          octets.resize(octets.size() + n, '.');
          break;
        }
        case 2: {
          const uint32_t n = within() / 2;
          uint32_t told = 0;
          board.acknowledge(pool, start + una + n, [&](const Sent&, SeqNum, uint32_t k) { told += k; });
          EXPECT_EQ(told, n);
          octets.erase(octets.begin(), octets.begin() + n);
          una += n;
          break;
        }
        case 3: {
          const uint32_t a = within(), b = within();
          if (a >= b) break;
          uint32_t told = 0, fresh = 0;
          board.sack(pool, start + una + a, start + una + b,
                     [&](const Sent&, SeqNum, uint32_t k) { told += k; });
          for (uint32_t at = a; at < b; ++at) fresh += octets[at] != 'S';
          if (seed % 3 == 0) {  // what could not be cut is not marked; read back what was
            EXPECT_LE(told, fresh);
            read_back(board, pool, octets);
            break;
          }
          EXPECT_EQ(told, fresh);
          std::fill(octets.begin() + a, octets.begin() + b, 'S');
          break;
        }
        case 4:
          board.each(pool, [&](Sent& s, uint32_t n) {
            if (rng.chance(0.3)) board.lose(s, n);
            return true;
          });
          read_back(board, pool, octets);
          break;
        default: {
          const auto most = static_cast<uint32_t>(rng.below(30)) + 1;
          const auto lost = std::find(octets.begin(), octets.end(), 'L');
          const auto got = board.send_again(pool, most, how);
          if (got.octets == 0) break;
          ASSERT_NE(lost, octets.end());
          EXPECT_EQ(got.first, start + una + static_cast<uint32_t>(lost - octets.begin()));
          EXPECT_LE(got.octets, most);
          for (uint32_t k = 0; k < got.octets; ++k) {
            EXPECT_EQ(lost[k], 'L');
            lost[k] = '.';
          }
        }
      }
      ASSERT_TRUE(board.sound(pool, start + nxt)) << "seed " << seed << " step " << i;
      EXPECT_EQ(board.sacked(), std::count(octets.begin(), octets.end(), 'S'));
      EXPECT_EQ(board.lost(), std::count(octets.begin(), octets.end(), 'L'));
    }
    board.clear(pool);
    EXPECT_EQ(pool.used(), 0u);
  }
}

TEST(SentPool, keeps_a_record_for_every_connection) {
  SentPool pool{2, 1};
  const Sent how{.end = {},
                 .next = no_index,
                 .sent = Instant{5},
                 .delivered = 0,
                 .delivered_us = 0,
                 .first_sent_us = 0,
                 .flags = 0};
  Scoreboard greedy{{}}, modest{{}};
  Sent later = how;
  ASSERT_TRUE(greedy.sent(pool, {10}, later));
  later.sent = Instant{6};
  ASSERT_TRUE(greedy.sent(pool, {20}, later));
  later.sent = Instant{7};
  EXPECT_FALSE(greedy.sent(pool, {30}, later)) << "the third is the other's";
  EXPECT_TRUE(modest.sent(pool, {10}, how));
  greedy.clear(pool);
  modest.clear(pool);
}

// Octets are a function of their place; whatever is taken out must be the stretch it claims to be.
TEST(Reassembly, gives_every_octet_once_and_in_order_whatever_order_they_came_in) {
  static uint8_t bytes[4096];
  Rng fill{1};
  for (uint8_t& b : bytes) b = static_cast<uint8_t>(fill());
  buf::Chunk chunk{.data = bytes, .size = sizeof bytes};
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Rng rng{seed};
    buf::LinkPool links{512};
    const SeqNum start{0xffff'f800};  // wraps on the way
    Reassembly r{links};
    buf::ByteQueue out{links};
    uint32_t nxt = 0;
    for (int i = 0; i < 5'000 && nxt < sizeof bytes; ++i) {
      const uint32_t at = nxt + (rng.chance(0.1) ? 0 : static_cast<uint32_t>(rng.below(300)));
      if (at >= sizeof bytes) continue;
      const auto n = std::min<uint32_t>(static_cast<uint32_t>(rng.below(120)) + 1,
                                        static_cast<uint32_t>(sizeof bytes) - at);
      if (at > nxt) {
        (void)r.add(start + at, buf::Slice{chunk, at, n});
      } else {
        out.push(buf::Slice{chunk, at, n});
        nxt += n;
        nxt += r.take(start + nxt, out);
      }
      ASSERT_EQ(out.size(), nxt);
    }
    ASSERT_EQ(nxt, sizeof bytes);
    std::vector<uint8_t> got(nxt);
    out.copy(0, got);
    ASSERT_TRUE(std::equal(got.begin(), got.end(), bytes)) << "seed " << seed;
    EXPECT_TRUE(r.empty());
    EXPECT_EQ(r.slices() + r.octets(), 0u);
    out.clear();
    EXPECT_EQ(links.free(), 512u);
    EXPECT_EQ(chunk.refs, 0u);
  }
}

TEST(Reassembly, refuses_one_range_too_many_and_joins_what_touches) {
  static uint8_t bytes[100];
  buf::Chunk chunk{.data = bytes, .size = sizeof bytes};
  buf::LinkPool links{Reassembly::most + 2};
  Reassembly r{links};
  constexpr SeqNum beyond{20 + 4 * Reassembly::most};
  for (uint32_t i = 0; i < Reassembly::most; ++i)
    EXPECT_EQ(r.add({10 + 4 * i}, buf::Slice{chunk, 0, 2}), Reassembly::Taken::Yes);
  EXPECT_EQ(r.add(beyond, buf::Slice{chunk, 0, 2}), Reassembly::Taken::NoRoom);
  EXPECT_EQ(r.slices(), Reassembly::most);
  EXPECT_EQ(r.add({10}, buf::Slice{chunk, 0, 2}), Reassembly::Taken::Duplicate);
  EXPECT_EQ(r.add({12}, buf::Slice{chunk, 0, 2}), Reassembly::Taken::Yes) << "closes the gap of two";
  EXPECT_EQ(r.add(beyond, buf::Slice{chunk, 0, 2}), Reassembly::Taken::Yes) << "so there is room again";
  buf::ByteQueue out{links};
  EXPECT_EQ(r.take({10}, out), 6u);
  EXPECT_EQ(r.slices(), Reassembly::most - 1);
  EXPECT_EQ(r.octets(), 2 * (Reassembly::most - 1));
}

}  // namespace
}  // namespace sluice::tcp
