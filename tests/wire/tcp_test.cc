// SPDX-License-Identifier: Apache-2.0
#include "wire/tcp.h"

#include <gtest/gtest.h>

#include <vector>

#include "wire/tcp_options.h"

namespace sluice::wire {
namespace {

TEST(Tcp, what_is_emitted_is_parsed) {
  uint8_t b[24] = {};
  Tcp::emit(b, {.src = {80},
                .dst = {4242},
                .seq = {0xdeadbeef},
                .ack = {7},
                .flags = tcp_flag::syn,
                .window = {1000},
                .options = 4});
  const auto h = Tcp::parse(b);
  ASSERT_TRUE(static_cast<bool>(h));
  EXPECT_EQ(h->src(), Port{80});
  EXPECT_EQ(h->dst(), Port{4242});
  EXPECT_EQ(h->seq().v, 0xdeadbeef);
  EXPECT_EQ(h->ack().v, 7u);
  EXPECT_EQ(h->flags(), tcp_flag::syn);
  EXPECT_EQ(h->window().v, 1000);
  EXPECT_EQ(h->options().size(), 4u);
  EXPECT_TRUE(h->text().empty());
}

struct Case {
  const char* claim;
  std::vector<uint8_t> bytes;
  bool good;
  TcpOptions options;
};
SackBlocks blocks(std::initializer_list<SackBlock> list) {
  SackBlocks b;
  for (const SackBlock x : list) b.push(x);
  return b;
}
const Case cases[] = {
    {"none", {}, true, {}},
    {"MSS", {2, 4, 0x05, 0xb4}, true, {.mss = 1460}},
    {"all three",
     {2, 4, 0x05, 0xb4, 1, 3, 3, 7, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2},
     true,
     {.mss = 1460, .shift = WindowShift{7}, .timestamps = TcpTimestamps{1, 2}}},
    {"SACK-permitted beside timestamps",
     {4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2},
     true,
     {.timestamps = TcpTimestamps{1, 2}, .sack_permitted = true}},
    {"SACK-permitted alone", {4, 2, 1, 1}, true, {.sack_permitted = true}},
    {"SACK-permitted with a value", {4, 3, 0, 0}, false, {}},
    {"one block", {1, 1, 5, 10, 0, 0, 0, 7, 0, 0, 0, 9}, true, {.sacks = blocks({{{7}, {9}}})}},
    {"two blocks beside timestamps",
     {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 18, 0, 0, 0, 7, 0, 0, 0, 9, 0, 0, 1, 0, 0, 0, 2, 0},
     true,
     {.timestamps = TcpTimestamps{1, 2}, .sacks = blocks({{{7}, {9}}, {{256}, {512}}})}},
    {"half a block", {5, 6, 0, 0, 0, 7, 1, 1}, false, {}},
    {"SACK without blocks", {5, 2, 1, 1}, false, {}},
    {"a shift beyond 14 is 14", {3, 3, 200, 0}, true, {.shift = WindowShift{14}}},
    {"unknown ones are skipped", {254, 4, 9, 9, 2, 4, 1, 0}, true, {.mss = 256}},
    {"what follows the end is not looked at", {0, 2, 0, 9}, true, {}},
    {"of two the last counts", {2, 4, 0, 1, 2, 4, 0, 2}, true, {.mss = 2}},
    {"length 0", {2, 0, 0, 0}, false, {}},
    {"unknown with length 0", {254, 0}, false, {}},
    {"length 1", {254, 1, 1, 1}, false, {}},
    {"no length", {1, 1, 1, 2}, false, {}},
    {"past the end", {2, 4, 5}, false, {}},
    {"MSS of three octets", {2, 5, 1, 1, 1}, false, {}},
    {"timestamps too short", {8, 4, 0, 0}, false, {}},
};

TEST(TcpOptions, are_read_or_condemned) {
  for (const Case& c : cases) {
    const auto o = TcpOptions::parse(c.bytes);
    ASSERT_EQ(static_cast<bool>(o), c.good) << c.claim;
    if (!o) {
      EXPECT_EQ(o.why(), Counter::tcp_bad_option) << c.claim;
      continue;
    }
    EXPECT_EQ(*o, c.options) << c.claim;
    std::vector<uint8_t> out(o->size());
    o->emit(out.data());
    EXPECT_EQ(*TcpOptions::parse(out), c.options) << c.claim;
  }
}

TEST(Window, rounding_up_never_takes_back_and_stays_below_a_step) {
  for (uint8_t s = 0; s <= 14; ++s)
    for (uint32_t w : {0u, 1u, 1000u, 65'535u}) {
      const WindowShift shift{s};
      const uint32_t said = raw_window(w, shift) << shift;
      EXPECT_GE(said, w);
      EXPECT_LT(said - w, 1u << s);
    }
}

}  // namespace
}  // namespace sluice::wire
