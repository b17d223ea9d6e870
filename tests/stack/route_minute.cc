// SPDX-License-Identifier: Apache-2.0
// The same for as long as wanted, half of it for each family. Usage: route_minute [SECONDS of changes,
// default 60]
#include <cstdio>
#include <cstdlib>

#include "route_churn.h"

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 60;
  bool fine = true;
  for (const bool v6 : {false, true}) {
    sluice::test::RouteChurn all;
    for (uint64_t seed = 1; all.seconds < seconds / 2; ++seed) {
      const auto r = sluice::test::route_churn(v6, 100'000, seed);
      all.changes += r.changes, all.refused += r.refused, all.packets += r.packets;
      all.lost += r.lost, all.wrong += r.wrong, all.seconds += r.seconds;
    }
    std::printf(
        "IPv%d: %llu changes in %.1f s (%.0f a second), %llu refused; of %llu packets %llu lost, %llu "
        "astray\n",
        v6 ? 6 : 4, static_cast<unsigned long long>(all.changes), all.seconds,
        static_cast<double>(all.changes) / all.seconds, static_cast<unsigned long long>(all.refused),
        static_cast<unsigned long long>(all.packets), static_cast<unsigned long long>(all.lost),
        static_cast<unsigned long long>(all.wrong));
    fine = fine && all.refused + all.lost + all.wrong == 0;
  }
  return fine ? 0 : 1;
}
