// SPDX-License-Identifier: Apache-2.0
// All zones a server answers for, and how: the longest suffix wins. RFC 1034 §4.3.2 step 2. Immutable,
// shared.
#pragma once

#include <memory>
#include <vector>

#include "dns/folded_name.h"
#include "dns/options.h"
#include "dns/types.h"
#include "dns/zone.h"

namespace sluice::dns {

class Zones {
 public:
  // No two zones of one name.
  explicit Zones(std::vector<std::shared_ptr<const Zone>> zones, const Options& options = {});

  // The zone to ask for (name, type); null when there is none. DS belongs to the parent (RFC 4035 §3.1.4.1):
  // at the apex of one of our zones it is asked of the zone above, if that is ours too.
  const Zone* find(const FoldedName& name, Type type) const {
    const Zone* z = nullptr;
    for (unsigned skip = 0; skip <= name.labels(); ++skip) {
      const unsigned labels = name.labels() - skip;
      if ((label_counts_[labels / 64] >> (labels % 64) & 1) == 0) continue;
      const Zone* here = at(name.suffix(skip), name.hash(skip));
      if (here == nullptr) continue;
      z = here;
      if (skip > 0 || type != Type::Ds) break;
    }
    return z;
  }

  const Options& options() const { return options_; }
  const std::vector<std::shared_ptr<const Zone>>& list() const { return zones_; }

 private:
  struct Slot {
    uint64_t hash = 0;
    const Zone* zone = nullptr;
  };
  const Zone* at(Bytes apex, uint64_t hash) const;

  Options options_;
  std::vector<std::shared_ptr<const Zone>> zones_;
  uint64_t label_counts_[2] = {0, 0};  // bit n: some apex has n labels; spares most probes
  std::vector<Slot> slots_;            // open addressing, at most half full
};

}  // namespace sluice::dns
