// SPDX-License-Identifier: Apache-2.0
#include "config/nearest.h"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

TEST(Nearest, finds_the_word_that_was_meant_or_none) {
  const std::vector<std::string> words = {"ports", "routes", "workers", "dns",
                                          "udp",   "tcp",    "http",    "rx_descriptors"};
  const std::pair<const char*, const char*> cases[] = {{"port", "ports"},
                                                       {"prots", "ports"},
                                                       {"route", "routes"},
                                                       {"worker", "workers"},
                                                       {"dsn", "dns"},
                                                       {"htttp", "http"},
                                                       {"tpc", "tcp"},
                                                       {"ports", "ports"},
                                                       {"rx_descs", ""},
                                                       {"rx_descripters", "rx_descriptors"},
                                                       {"rx-descriptor", "rx_descriptors"},
                                                       {"xyz", ""},
                                                       {"", ""},
                                                       {"firewall", ""}};
  for (const auto& [word, meant] : cases) EXPECT_EQ(nearest(word, words), meant) << word;
}

TEST(Nearest, takes_the_first_of_equals) { EXPECT_EQ(nearest("ax", {"ab", "ac"}), "ab"); }

}  // namespace
}  // namespace sluice::config
