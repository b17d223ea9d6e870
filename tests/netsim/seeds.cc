// SPDX-License-Identifier: Apache-2.0
// Transfers over made-up lines, for many seeds. Usage: netsim_seeds [FIRST [COUNT]]
#include <cstdio>
#include <cstdlib>

#include "netsim/scenarios.h"

int main(int argc, char** argv) {
  const uint64_t first = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  const uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 10'000;
  uint64_t failed = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const auto o = sluice::test::netsim::transfer(seed);
    if (o.fault.empty()) continue;
    ++failed;
    std::printf("%s: %s\n", o.line.c_str(), o.fault.c_str());
    std::fflush(stdout);
  }
  std::printf("%llu seeds from %llu on: %llu failed\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(first), static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
