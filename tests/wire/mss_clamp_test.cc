// SPDX-License-Identifier: Apache-2.0
#include "wire/mss_clamp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace sluice::wire {
namespace {

using Octets = std::vector<uint8_t>;
constexpr uint8_t syn = tcp_flag::syn, ack = tcp_flag::ack;

// Words as they stand: nothing of the code under test.
uint16_t full_sum(const Octets& segment) {
  uint32_t s = 0;
  for (size_t i = 0; i < segment.size(); i += 2)
    s += static_cast<uint32_t>(segment[i] << 8 | (i + 1 < segment.size() ? segment[i + 1] : 0));
  while (s >> 16 != 0) s = (s & 0xffff) + (s >> 16);
  return static_cast<uint16_t>(s);
}

// A segment whose checksum is right; the pseudo-header, which does not change, is left out.
Octets segment(uint8_t flags, const Octets& options, const std::string& text = "") {
  Octets b(Tcp::header_len + options.size() + text.size());
  std::ranges::copy(text, std::ranges::copy(options, b.begin() + Tcp::header_len).out);
  Tcp::emit(b.data(), {.src = {80},
                       .dst = {4242},
                       .seq = {0xdeadbeef},
                       .ack = {7},
                       .flags = flags,
                       .window = {1000},
                       .options = static_cast<uint8_t>(options.size())});
  store_be<uint16_t>(b.data() + Tcp::checksum_at, static_cast<uint16_t>(~full_sum(b)));
  return b;
}

struct Case {
  const char* claim;
  uint8_t flags;
  Octets options, clamped;  // to 1360; no `clamped`: nothing is changed
};
const Case cases[] = {
    {"a SYN", syn, {2, 4, 0x05, 0xb4}, {2, 4, 0x05, 0x50}},
    {"its answer", syn | ack, {2, 4, 0x05, 0xb4}, {2, 4, 0x05, 0x50}},
    {"one that asks for ECN", syn | tcp_flag::ece | tcp_flag::cwr, {2, 4, 0x05, 0xb4}, {2, 4, 0x05, 0x50}},
    {"the greatest there is", syn, {2, 4, 0xff, 0xff}, {2, 4, 0x05, 0x50}},
    {"as Linux says it",
     syn,
     {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7},
     {2, 4, 0x05, 0x50, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7}},
    {"across two words of the sum", syn, {1, 2, 4, 0x05, 0xb4, 0, 0, 0}, {1, 2, 4, 0x05, 0x50, 0, 0, 0}},
    {"behind an option that is not known",
     syn,
     {254, 3, 0xff, 2, 4, 0x23, 0x28, 1},
     {254, 3, 0xff, 2, 4, 0x05, 0x50, 1}},
    {"last of all", syn, {1, 1, 1, 1, 2, 4, 0x05, 0xb4}, {1, 1, 1, 1, 2, 4, 0x05, 0x50}},
    {"said twice, at both parities",
     syn,
     {2, 4, 0x05, 0xb4, 1, 2, 4, 0x05, 0xb4, 1, 1, 1},
     {2, 4, 0x05, 0x50, 1, 2, 4, 0x05, 0x50, 1, 1, 1}},
    {"said twice, once too much",
     syn,
     {2, 4, 0x05, 0xb4, 2, 4, 0x02, 0x18},
     {2, 4, 0x05, 0x50, 2, 4, 0x02, 0x18}},
    {"just as much", syn, {2, 4, 0x05, 0x50}, {}},
    {"less is not raised", syn, {2, 4, 0x02, 0x18}, {}},
    {"nothing at all is not raised", syn, {2, 4, 0, 0}, {}},
    {"no option", syn, {}, {}},
    {"other options", syn, {4, 2, 1, 3, 3, 7, 0, 0}, {}},
    {"behind the end of the list", syn, {0, 0, 0, 0, 2, 4, 0x05, 0xb4}, {}},
    {"no SYN", ack, {2, 4, 0x05, 0xb4}, {}},
    {"a FIN", tcp_flag::fin | ack, {2, 4, 0x05, 0xb4}, {}},
    {"an MSS of three octets", syn, {2, 3, 0x05, 0}, {}},
    {"an MSS of six octets", syn, {2, 6, 0x05, 0xb4, 0, 0, 0, 0}, {}},
    {"an MSS cut short", syn, {1, 1, 2, 4}, {}},
    {"a kind without length", syn, {1, 1, 1, 2}, {}},
    {"a length of 0", syn, {2, 4, 0x05, 0xb4, 9, 0, 0, 0}, {}},
    {"a length of 1", syn, {2, 4, 0x05, 0xb4, 9, 1, 0, 0}, {}},
    {"a length past the end, in front", syn, {9, 9, 0, 0, 2, 4, 0x05, 0xb4}, {}},
    {"a length past the end, behind", syn, {2, 4, 0x05, 0xb4, 1, 1, 9, 3}, {}},
};

TEST(MssClamp, lowers_what_a_syn_says_and_nothing_else) {
  for (const Case& c : cases) {
    for (const char* text : {"", "odd", "text"}) {
      const Octets sent = segment(c.flags, c.options, text);
      const Octets want = c.clamped.empty() ? sent : segment(c.flags, c.clamped, text);
      Octets got = sent;
      EXPECT_EQ(clamp_mss(got, 1360), !c.clamped.empty()) << c.claim;
      EXPECT_EQ(got, want) << c.claim;
      EXPECT_EQ(full_sum(got), 0xffff) << c.claim;
    }
  }
}

TEST(MssClamp, wants_all_of_the_header_and_none_of_the_text) {
  const Octets whole = segment(syn, {2, 4, 0x05, 0xb4, 1, 1, 1, 0}, "text");
  constexpr size_t header = Tcp::header_len + 8;
  for (size_t n = 0; n < whole.size(); ++n) {
    Octets part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));  // nothing to read behind it
    EXPECT_EQ(clamp_mss(part, 1360), n >= header) << n;
    if (n < header) {
      EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin())) << n;
    }
  }
  Octets offset = whole;
  offset[12] = 4 << 4;
  EXPECT_FALSE(clamp_mss(offset, 1360)) << "a header shorter than any";
}

TEST(MssClamp, the_checksum_stays_as_right_or_wrong_as_it_was) {
  for (uint32_t was = 1361; was <= UINT16_MAX; ++was) {
    const auto high = static_cast<uint8_t>(was >> 8), low = static_cast<uint8_t>(was);
    for (const Octets& options : {Octets{2, 4, high, low}, Octets{1, 2, 4, high, low, 1, 1, 1}}) {
      Octets b = segment(syn, options);
      ASSERT_TRUE(clamp_mss(b, 1360));
      ASSERT_EQ(full_sum(b), 0xffff) << was;
    }
  }
  Octets wrong = segment(syn, {2, 4, 0x05, 0xb4});
  wrong[Tcp::checksum_at] ^= 0x40;
  const uint16_t sum = full_sum(wrong);
  EXPECT_TRUE(clamp_mss(wrong, 1360));
  EXPECT_EQ(full_sum(wrong), sum);
  EXPECT_NE(sum, 0xffff);
}

}  // namespace
}  // namespace sluice::wire
