// SPDX-License-Identifier: Apache-2.0
// Identifications of datagrams that we cut: RFC 7739 §5.3. Who is not on the path learns nothing of the next
// from those he got himself, and a worker gives a pair of addresses none twice before all were used; of the
// other workers' it knows nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/rng.h"
#include "base/siphash.h"
#include "wire/ip_addr.h"

namespace sluice::ip {

class FragmentIds {
 public:
  explicit FragmentIds(Rng& rng) : start_{rng(), rng()}, choice_{rng(), rng()} {
    for (uint32_t& c : counters_) c = static_cast<uint32_t>(rng());
  }

  uint32_t next(const IpAddr& src, const IpAddr& dst, uint16_t vrf = 0) {
    std::array<uint8_t, 34> pair;
    std::ranges::copy(src.bytes(), pair.begin());
    std::ranges::copy(dst.bytes(), pair.begin() + 16);
    store_be<uint16_t>(pair.data() + 32, vrf);
    // Pairs that share a counter learn how many datagrams the others got, but not where theirs start.
    return static_cast<uint32_t>(siphash24(start_, pair)) +
           counters_[siphash24(choice_, pair) % counters_.size()]++;
  }

 private:
  SipKey start_, choice_;
  std::array<uint32_t, 1024> counters_;
};

}  // namespace sluice::ip
