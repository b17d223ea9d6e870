// SPDX-License-Identifier: Apache-2.0
// Header prediction changes nothing: two connections, one that predicts and one that never does, live through
// the same segments, calls and time, and must do the same at every step.
#include <gtest/gtest.h>

#include <memory>

#include "base/rng.h"
#include "buf/stream.h"
#include "tcp/conn.h"

namespace sluice::test {
namespace {

using namespace wire::tcp_flag;

uint8_t memory[65'536];

struct Half {
  Half(const tcp::Options& o, const tcp::Segment& first, bool predicts) : options{o} {
    shared.predicts = predicts;
    conn.emplace(shared, tcp::Setup{.iss = {77}, .mss = 1460}, first, Instant{1'000'000'000});
  }
  tcp::Options options;
  Counters count;
  buf::LinkPool links{512};
  Rng rng{1};
  buf::Chunk chunk{.data = memory, .size = sizeof memory};
  tcp::Shared shared{options, count, links, rng};
  std::optional<tcp::Conn> conn;
};

class Twins {
 public:
  explicit Twins(uint64_t seed) : rng_{seed} {
    tcp::Options o;
    o.timestamps = rng_.chance(0.5);
    o.window_scaling = rng_.chance(0.5);
    o.sack = rng_.chance(0.5);
    o.pacing = rng_.chance(0.3);
    o.ecn = rng_.chance(0.3) ? 2 : 0;
    o.connections = 4;
    o.receive_buffer = o.receive_window = 16'384;
    o.keepalive = rng_.chance(0.3) ? 5_s : 0_s;
    tcp::Segment first{.seq = {irs}, .flags = syn, .window = {65'535}};
    if (o.ecn != 0) first.flags |= ece | cwr;
    first.options.mss = 1460;
    first.options.shift = WindowShift{2};
    first.options.timestamps = wire::TcpTimestamps{stamp_, 0};
    first.options.sack_permitted = true;
    stamps_ = o.timestamps;
    fast = std::make_unique<Half>(o, first, true);
    slow = std::make_unique<Half>(o, first, false);
    drain();
    segment({.seq = {irs + 1}, .ack = {78}, .flags = ack, .window = {30'000}});
  }

  void step() {
    const auto both = [&](auto&& f) { f(*fast), f(*slow); };
    switch (rng_.below(10)) {
      case 0: {
        const auto n = static_cast<uint32_t>(rng_.below(6'000) + 1);
        both([&](Half& h) {
          if (h.conn->send_room() >= n) (void)h.conn->sending().push(buf::Slice{h.chunk, 0, n});
        });
        break;
      }
      case 1: {
        const size_t n = rng_.below(8'000);
        both([&](Half& h) {
          h.conn->received().consume(std::min(n, h.conn->received().size()));
          h.conn->consumed();
        });
        break;
      }
      case 2:
        now = now + Duration::from_us(static_cast<int64_t>(rng_.below(300'000)));
        both([&](Half& h) { h.conn->on_deadline(now); });
        break;
      case 3:
        if (rng_.chance(0.01)) both([&](Half& h) { h.conn->close(now); });
        break;
      default:
        random_segment();
    }
    drain();
  }
  void finish() const { EXPECT_EQ(slow->count[Counter::tcp_predicted], 0u); }
  uint64_t predictions() const { return fast->count[Counter::tcp_predicted]; }

 private:
  static constexpr uint32_t irs = 0xffff'f000;

  // Mostly what is expected next; sometimes a little beside it.
  void random_segment() {
    const tcp::Conn& c = *slow->conn;
    tcp::Segment s{.seq = c.rcv_nxt(),
                   .ack = c.snd_nxt(),
                   .flags = ack,
                   .window = {static_cast<uint16_t>(20'000 + rng_.below(20'000))}};
    if (rng_.chance(0.5)) s.text = static_cast<uint32_t>(rng_.below(1'460));
    if (rng_.chance(0.4)) {
      const auto flight = static_cast<uint32_t>(c.snd_nxt() - c.snd_una());
      s.ack = c.snd_una() + static_cast<uint32_t>(rng_.below(flight + 1));
    }
    if (rng_.chance(0.3)) s.flags |= psh;
    if (rng_.chance(0.1)) s.seq = s.seq + static_cast<uint32_t>(rng_.below(5'000)) - 2'000;
    if (rng_.chance(0.05)) s.ack = s.ack + static_cast<uint32_t>(rng_.below(9)) - 4;
    if (rng_.chance(0.03)) s.flags ^= static_cast<uint8_t>(1u << rng_.below(8));
    if (rng_.chance(0.05)) s.window = {0};
    if (rng_.chance(0.1)) s.ecn = static_cast<uint8_t>(rng_.below(4));
    segment(s);
  }
  void segment(tcp::Segment s) {
    if (stamps_ && !rng_.chance(0.02)) {
      stamp_ += static_cast<uint32_t>(rng_.below(3));
      s.options.timestamps = wire::TcpTimestamps{rng_.chance(0.03) ? stamp_ - 5 : stamp_, echo_};
    }
    const auto give = [&](Half& h) {
      buf::ByteQueue text{h.links};
      if (s.text != 0) (void)text.push(buf::Slice{h.chunk, s.seq.v % 1'000, s.text});
      return h.conn->on_segment(s, std::move(text), now);
    };
    EXPECT_EQ(give(*fast), give(*slow));
  }
  // Both send the same and stand the same afterwards.
  void drain() {
    tcp::Segment a, b;
    for (int n = 0; n < 1'000; ++n) {
      const bool fast_sends = fast->conn->next_segment(now, a), slow_sends = slow->conn->next_segment(now, b);
      ASSERT_EQ(fast_sends, slow_sends);
      if (!fast_sends) break;
      ASSERT_EQ(a.seq, b.seq);
      ASSERT_EQ(a.ack, b.ack);
      ASSERT_EQ(a.flags, b.flags);
      ASSERT_EQ(a.window, b.window);
      ASSERT_EQ(a.text, b.text);
      ASSERT_EQ(a.text_at, b.text_at);
      ASSERT_EQ(a.ecn, b.ecn);
      ASSERT_EQ(a.options, b.options);
      if (b.options.timestamps) echo_ = b.options.timestamps->val;
    }
    const tcp::Conn &f = *fast->conn, &s = *slow->conn;
    ASSERT_EQ(f.state(), s.state());
    ASSERT_EQ(f.deadline(), s.deadline());
    ASSERT_EQ(f.rcv_nxt(), s.rcv_nxt());
    ASSERT_EQ(f.rcv_wnd(), s.rcv_wnd());
    ASSERT_EQ(f.snd_una(), s.snd_una());
    ASSERT_EQ(f.snd_wnd(), s.snd_wnd());
    ASSERT_EQ(f.ts_recent(), s.ts_recent());
    ASSERT_EQ(f.congestion().window(), s.congestion().window());
    ASSERT_EQ(f.rtt().srtt(), s.rtt().srtt());
    ASSERT_EQ(fast->conn->take_events(), slow->conn->take_events());
    ASSERT_EQ(fast->conn->received().size(), slow->conn->received().size());
    ASSERT_EQ(fast->conn->sending().size(), slow->conn->sending().size());
    for (size_t c = 0; c < counter_count; ++c)
      if (static_cast<Counter>(c) != Counter::tcp_predicted) {
        ASSERT_EQ(fast->count[static_cast<Counter>(c)], slow->count[static_cast<Counter>(c)])
            << "counter " << c;
      }
  }

  Rng rng_;
  uint32_t stamp_ = 1'000, echo_ = 0;
  bool stamps_ = false;
  std::unique_ptr<Half> fast, slow;

 public:
  Instant now{1'000'000'000};
};

TEST(Prediction, changes_nothing) {
  uint64_t predictions = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Twins t{seed};
    for (int i = 0; i < 300; ++i) {
      t.step();
      if (testing::Test::HasFatalFailure()) return;
    }
    t.finish();
    predictions += t.predictions();
  }
  EXPECT_GT(predictions, 10'000u) << "the short way was taken";
}

}  // namespace
}  // namespace sluice::test
