// SPDX-License-Identifier: Apache-2.0
#include "app/load/pattern.h"

#include <gtest/gtest.h>

namespace sluice::load {
namespace {

TEST(Pattern, stands_for_every_number_of_its_range) {
  std::string wrong;
  const auto p = Pattern::parse("host{8..11}.example.test", wrong);
  ASSERT_TRUE(p) << wrong;
  EXPECT_EQ(p->size(), 4u);
  EXPECT_EQ(p->name(0), "host8.example.test");
  EXPECT_EQ(p->name(3), "host11.example.test");
}

TEST(Pattern, leading_zeros_make_all_names_equally_long) {
  std::string wrong;
  const auto p = Pattern::parse("h{000..120}", wrong);
  ASSERT_TRUE(p) << wrong;
  EXPECT_EQ(p->name(0), "h000");
  EXPECT_EQ(p->name(7), "h007");
  EXPECT_EQ(p->name(120), "h120");
}

TEST(Pattern, a_single_zero_is_no_width) {
  std::string wrong;
  EXPECT_EQ(Pattern::parse("h{0..120}", wrong)->name(7), "h7");
}

TEST(Pattern, says_what_is_wrong) {
  for (const char* text :
       {"example.test", "a{1..2", "a1..2}", "a}1..2{", "a{1-2}b", "a{..2}", "a{1..}", "a{5..4}", "a{x..4}",
        "a{1..2}{3..4}", "a{-1..4}", "a{1..99999999999999999999999}", "a..{1}"}) {
    std::string wrong;
    EXPECT_FALSE(Pattern::parse(text, wrong)) << text;
    EXPECT_NE(wrong.find("like"), std::string::npos) << text << ": " << wrong;
  }
}

}  // namespace
}  // namespace sluice::load
