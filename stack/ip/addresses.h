// SPDX-License-Identifier: Apache-2.0
// Which IPv4 addresses are ours, and which are broadcasts of networks we are on. Asked for every packet.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "buf/interface.h"

namespace sluice::ip {

enum class Owner : uint8_t { Other, Us, Broadcast };

class Addresses {
 public:
  explicit Addresses(std::span<const buf::Interface> ports) {
    size_t n = 0;
    for (const buf::Interface& i : ports) n += 3 * i.addresses.size();
    slots_.resize(std::bit_ceil(4 * n + 4));
    for (const buf::Interface& i : ports)
      for (const Prefix& p : i.addresses) {
        if (!p.addr.is_v4()) continue;
        const Ip4Addr b = buf::directed_broadcast(p);
        if (!b.is_unspecified()) {
          add(b, Owner::Broadcast);
          // RFC 1812 §4.2.3.1 (2): what some once took for the broadcast is treated as one, and never passed
          // on.
          add({p.addr.v4().v & Ip4Addr::mask(p.length).v}, Owner::Broadcast);
        }
        add(p.addr.v4(), Owner::Us);
      }
  }

  // The limited broadcast is everybody's.
  Owner owner(Ip4Addr a) const {
    if (a.is_limited_broadcast()) return Owner::Broadcast;
    for (size_t i = first(a);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].owner == Owner::Other) return Owner::Other;
      if (slots_[i].addr == a) return slots_[i].owner;
    }
  }
  bool ours(Ip4Addr a) const { return owner(a) == Owner::Us; }

 private:
  struct Slot {
    Ip4Addr addr;
    Owner owner = Owner::Other;
  };
  // No peer chooses what is in the table, so the hash needs no key; at most a quarter of the slots is used.
  size_t first(Ip4Addr a) const { return (a.v * 0x9e3779b1u >> 7) & (slots_.size() - 1); }
  void add(Ip4Addr a, Owner o) {
    size_t i = first(a);
    while (slots_[i].owner != Owner::Other && slots_[i].addr != a) i = (i + 1) & (slots_.size() - 1);
    if (slots_[i].owner != Owner::Us) slots_[i] = {a, o};  // ours even if it is a broadcast elsewhere
  }
  std::vector<Slot> slots_;  // a power of two of them
};

}  // namespace sluice::ip
