// SPDX-License-Identifier: Apache-2.0
// The small parts of a connection: estimator, congestion window, reassembly.
#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"
#include "tcp/reassembly.h"
#include "tcp/reno.h"
#include "tcp/rtt.h"

namespace sluice::tcp {
namespace {

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

TEST(Reno, grows_by_what_was_acknowledged_then_by_one_segment_a_window) {
  Reno r;
  r.start(1000, 10);
  r.on_ack({1000}, 1000, 9000, true);
  EXPECT_EQ(r.window(), 11'000u);
  r.on_timeout({9000}, 10'000, true);
  EXPECT_EQ(r.window(), 1000u);
  EXPECT_EQ(r.threshold(), 5000u);
  for (int i = 0; i < 4; ++i) r.on_ack({10'000}, 1000, 0, true);
  EXPECT_EQ(r.window(), 5000u);
  for (int i = 0; i < 5; ++i) r.on_ack({10'000}, 1000, 0, true);
  EXPECT_EQ(r.window(), 6000u);
}

TEST(Reno, does_not_grow_a_window_that_was_not_used) {
  Reno r;
  r.start(1000, 10);
  for (int i = 0; i < 100; ++i) r.on_ack({1000}, 1000, 0, false);
  EXPECT_EQ(r.window(), 10'000u);
}

TEST(Reno, halves_once_per_loss_however_many_duplicates_follow_a_timeout) {
  Reno r;
  r.start(1000, 10);
  r.on_timeout({10'000}, 10'000, true);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(r.on_duplicate({5000}, {10'000}, 5000));
  EXPECT_FALSE(r.recovering());
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
    r.clear();
    out.clear();
    EXPECT_EQ(links.free(), 512u);
    EXPECT_EQ(chunk.refs, 0u);
  }
}

TEST(Reassembly, refuses_one_range_too_many_and_joins_what_touches) {
  static uint8_t bytes[100];
  buf::Chunk chunk{.data = bytes, .size = sizeof bytes};
  buf::LinkPool links{32};
  Reassembly r{links};
  for (uint32_t i = 0; i < Reassembly::most; ++i)
    EXPECT_EQ(r.add({10 + 4 * i}, buf::Slice{chunk, 0, 2}), Reassembly::Taken::Yes);
  EXPECT_EQ(r.add({90}, buf::Slice{chunk, 0, 2}), Reassembly::Taken::NoRoom);
  EXPECT_EQ(r.add({10}, buf::Slice{chunk, 0, 2}), Reassembly::Taken::Duplicate);
  EXPECT_EQ(r.add({12}, buf::Slice{chunk, 0, 2}), Reassembly::Taken::Yes) << "closes the gap of two";
  EXPECT_EQ(r.add({90}, buf::Slice{chunk, 0, 2}), Reassembly::Taken::Yes) << "so there is room again";
  buf::ByteQueue out{links};
  EXPECT_EQ(r.take({10}, out), 6u);
}

}  // namespace
}  // namespace sluice::tcp
