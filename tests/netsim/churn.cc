// SPDX-License-Identifier: Apache-2.0
// Connections that come and go over bad lines for as long as wanted, counting what is left after each virtual
// minute. Usage: netsim_churn [SECONDS [SEED]]
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "netsim/scenarios.h"

namespace {
std::chrono::steady_clock::time_point until;
}

int main(int argc, char** argv) {
  until = std::chrono::steady_clock::now() + std::chrono::seconds{argc > 1 ? std::atoi(argv[1]) : 1'800};
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const auto o =
      sluice::test::netsim::churn(seed, [](uint64_t) { return std::chrono::steady_clock::now() < until; });
  std::printf("%s: %s\n", o.line.c_str(), o.fault.empty() ? "nothing is left" : o.fault.c_str());
  return o.fault.empty() ? 0 : 1;
}
