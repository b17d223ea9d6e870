// SPDX-License-Identifier: Apache-2.0
// What is simulated: tables for review, and transfers over lines that a seed makes up.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::test::netsim {

// Goodput by congestion control, loss and round trip, as tests/netsim/throughput.golden has it.
std::string throughput_table();
// How evenly 2 to 8 flows share a bottleneck, as tests/netsim/fairness.golden has it. `least`: Jain's index
// of the worst row.
std::string fairness_table(double& least);

struct Outcome {
  std::string fault;  // empty: nothing is wrong
  std::string line;   // what was simulated, for the report
};
// One or more transfers with the line, the options and the amounts of a seed. Whatever comes, the octets must
// arrive, the ends must close, nothing may be silent for longer than its timers allow, and all memory is
// back.
Outcome transfer(uint64_t seed);

// Connections come and go over lines that change, some aborted, with SYNs from nowhere between them, until
// `more` says no. Each minute all of them end, and then not one packet buffer, connection, half-open record
// or timer may be left.
Outcome churn(uint64_t seed, bool (*more)(uint64_t virtual_minutes));

}  // namespace sluice::test::netsim
