// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ip/route.h"

namespace sluice::ip {

Spread::Spread(std::vector<NextHop> to, const Spread* was) : ways{std::move(to)} {
  constexpr uint8_t nobody = 255;
  const size_t n = ways.size(), share = buckets / n;
  size_t one_more = buckets % n;  // ways that have one bucket above their share
  std::vector<size_t> load(n, 0);
  way_of.fill(nobody);
  // Buckets stay where they were as long as that way is there and has no more than its share.
  for (size_t b = 0; was != nullptr && b < buckets; ++b) {
    const auto same = std::ranges::find(ways, was->ways[was->way_of[b]]);
    if (same == ways.end()) continue;
    const auto way = static_cast<size_t>(same - ways.begin());
    if (load[way] > share || (load[way] == share && one_more == 0)) continue;
    one_more -= load[way] == share;
    way_of[b] = static_cast<uint8_t>(way);
    ++load[way];
  }
  for (uint8_t& b : way_of) {
    if (b != nobody) continue;
    b = static_cast<uint8_t>(std::ranges::min_element(load) - load.begin());
    ++load[b];
  }
}

}  // namespace sluice::ip
