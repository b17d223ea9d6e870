// SPDX-License-Identifier: Apache-2.0
#include "dns/zone.h"

#include <algorithm>

namespace sluice::dns {

NodeAt Zone::exact(Bytes name, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  const uint32_t tag = tag_of(hash);
  for (size_t i = hash & mask; slots_[i].node != 0; i = (i + 1) & mask) {
    if (slots_[i].tag != tag) continue;
    const Bytes other = this->name(slots_[i].node);
    if (other.size() == name.size() && std::memcmp(other.data(), name.data(), name.size()) == 0)
      return slots_[i].node;
  }
  return 0;
}

Found Zone::find(const FoldedName& name) const {
  unsigned skip = first_skip(name);
  NodeAt at = exact(name.suffix(skip), name.hash(skip));
  if (at != 0 && skip == 0) return {at, node(at).cut};
  // The apex is always found: the closest encloser exists.
  while (at == 0) ++skip, at = exact(name.suffix(skip), name.hash(skip));
  const Node& encloser = node(at);
  if (encloser.cut != 0) return {0, encloser.cut};
  return {encloser.wildcard, 0};
}

RRset Zone::open(NodeAt at, const RRsetHead& h) const {
  const uint32_t* p = &words_[at + h.data];
  const std::span targets{reinterpret_cast<const Target*>(p), h.targets};
  p += targets.size_bytes() / 4;
  const std::span fixups{reinterpret_cast<const Fixup*>(p), h.fixups};
  p += fixups.size_bytes() / 4;
  return {
      static_cast<Type>(h.type), h.records, {reinterpret_cast<const uint8_t*>(p), h.len}, fixups, targets};
}

}  // namespace sluice::dns
