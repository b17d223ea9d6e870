// SPDX-License-Identifier: Apache-2.0
// TCP over bad lines in virtual time. The tables are compared with files that stand in review;
// UPDATE_GOLDEN=1 (scripts/netsim --golden) writes them anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "netsim/scenarios.h"

namespace sluice::test::netsim {
namespace {

void compare(const std::string& table, const char* name) {
  const std::string path = std::string{GOLDEN_FOLDER} + "/" + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream{path} << table;
    return;
  }
  std::ifstream in{path};
  std::ostringstream golden;
  golden << in.rdbuf();
  EXPECT_EQ(table, golden.str()) << "if this change is meant: scripts/netsim --golden";
}

TEST(Golden, throughput) { compare(throughput_table(), "throughput.golden"); }

TEST(Golden, fairness) {
  double least = 0;
  compare(fairness_table(least), "fairness.golden");
  EXPECT_GE(least, 0.8);
}

// Ten tests of twenty seeds: they run side by side, and a name tells where to look.
class Seeds : public testing::TestWithParam<uint64_t> {};
TEST_P(Seeds, arrive_whole_without_a_stall_and_give_everything_back) {
  for (uint64_t seed = GetParam(); seed < GetParam() + 20; ++seed) {
    const Outcome o = transfer(seed);
    ASSERT_EQ(o.fault, "") << o.line;
  }
}
TEST(Churn, leaves_nothing_behind) {
  const Outcome o = churn(1, [](uint64_t minutes) { return minutes < 3; });
  EXPECT_EQ(o.fault, "") << o.line;
}
INSTANTIATE_TEST_SUITE_P(From, Seeds, testing::Range<uint64_t>(1, 201, 20));

}  // namespace
}  // namespace sluice::test::netsim
