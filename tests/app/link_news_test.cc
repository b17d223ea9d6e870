// SPDX-License-Identifier: Apache-2.0
#include "app/link_news.h"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

using app::link_news;
using app::LinkState;
using Lines = std::vector<std::string>;

TEST(LinkNews, nothing_new_is_no_line) {
  EXPECT_EQ(link_news("lan", {true, {}}, {true, {}}), Lines{});
  EXPECT_EQ(link_news("lan", {false, {{"a", false, false}}}, {false, {{"a", false, false}}}), Lines{});
}

TEST(LinkNews, a_link_that_goes_and_comes) {
  EXPECT_EQ(link_news("lan", {true, {}}, {false, {}}),
            Lines{"port lan: the link is down, and routes over it are withdrawn"});
  EXPECT_EQ(link_news("lan", {false, {}}, {true, {}}), Lines{"port lan: the link is up"});
}

TEST(LinkNews, a_member_hands_over_to_the_other) {
  const LinkState was{true, {{"a", true, true}, {"b", true, false}}};
  const LinkState is{true, {{"a", false, false}, {"b", true, true}}};
  EXPECT_EQ(link_news("lan", was, is),
            (Lines{"port lan: member a has lost its link", "port lan: member a carries packets no more",
                   "port lan: member b carries packets now"}));
  EXPECT_EQ(link_news("lan", is, was),
            (Lines{"port lan: member a has a link again", "port lan: member a carries packets now",
                   "port lan: member b carries packets no more"}));
}

TEST(LinkNews, the_last_member_takes_the_link_along) {
  EXPECT_EQ(link_news("lan", {true, {{"a", true, true}}}, {false, {{"a", false, false}}}),
            (Lines{"port lan: member a has lost its link", "port lan: member a carries packets no more",
                   "port lan: the link is down, and routes over it are withdrawn"}));
}

}  // namespace
}  // namespace sluice::test
