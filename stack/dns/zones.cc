// SPDX-License-Identifier: Apache-2.0
#include "dns/zones.h"

#include <algorithm>
#include <bit>

namespace sluice::dns {

Zones::Zones(std::vector<std::shared_ptr<const Zone>> zones, const Options& options)
    : options_{options}, zones_{std::move(zones)} {
  check(in_range(options_), "the options have been checked");
  slots_.resize(std::bit_ceil(std::max<size_t>(zones_.size() * 2, 2)));
  for (const auto& z : zones_) {
    FoldedName name;
    check(name.fold(z->apex().wire()), "an apex is a name");
    check(at(name.suffix(0), name.hash(0)) == nullptr, "no two zones of one name");
    size_t i = name.hash(0) & (slots_.size() - 1);
    while (slots_[i].zone != nullptr) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = {name.hash(0), z.get()};
    label_counts_[name.labels() / 64] |= uint64_t{1} << (name.labels() % 64);
  }
}

const Zone* Zones::at(Bytes apex, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask; slots_[i].zone != nullptr; i = (i + 1) & mask) {
    if (slots_[i].hash != hash) continue;
    const Bytes other = slots_[i].zone->folded_apex();
    if (other.size() == apex.size() && std::memcmp(other.data(), apex.data(), apex.size()) == 0)
      return slots_[i].zone;
  }
  return nullptr;
}

}  // namespace sluice::dns
