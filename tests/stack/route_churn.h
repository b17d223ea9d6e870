// SPDX-License-Identifier: Apache-2.0
// Packets forwarded by a whole stack while another thread changes the routes they take, as fast as it can.
// Each must leave, and by a way that was right at some moment between its coming and its leaving.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::test {

struct RouteChurn {
  uint64_t changes = 0, refused = 0;
  uint64_t packets = 0, lost = 0, wrong = 0;
  double seconds = 0;  // that the changes took
};

// `changes` of a table that is made up anew from the seed. `v6`: the family.
RouteChurn route_churn(bool v6, size_t changes, uint64_t seed);

}  // namespace sluice::test
