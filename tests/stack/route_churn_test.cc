// SPDX-License-Identifier: Apache-2.0
#include "route_churn.h"

#include <gtest/gtest.h>

#include "support/sanitized.h"

namespace sluice::test {
namespace {

class RouteChanges : public testing::TestWithParam<bool> {};

TEST_P(RouteChanges, under_way_cost_no_packet_and_send_none_astray) {
  const RouteChurn r = route_churn(GetParam(), rounds(20'000), 1);
  EXPECT_EQ(r.refused, 0u);
  EXPECT_GT(r.packets, 0u);
  EXPECT_EQ(r.lost, 0u) << "of " << r.packets;
  EXPECT_EQ(r.wrong, 0u) << "of " << r.packets;
}

INSTANTIATE_TEST_SUITE_P(Of, RouteChanges, testing::Bool(),
                         [](const auto& family) { return family.param ? "Ip6" : "Ip4"; });

}  // namespace
}  // namespace sluice::test
