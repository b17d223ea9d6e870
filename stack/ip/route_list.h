// SPDX-License-Identifier: Apache-2.0
// All prefixes of a table with their numbers, as the writer knows them: which are there, and which shorter
// one covers a prefix. Open addressing, grows; never read by workers.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "wire/ip_addr.h"

namespace sluice::ip {

constexpr Ip4Addr network(Ip4Addr a, unsigned length) { return {a.v & Ip4Addr::mask(length).v}; }
constexpr Ip6Addr network(Ip6Addr a, unsigned length) {
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned kept = length <= 8 * i ? 0 : length - 8 * i < 8 ? length - 8 * i : 8;
    a.b[i] = static_cast<uint8_t>(a.b[i] & 0xff00u >> kept);
  }
  return a;
}

template <class Addr>
class RouteList {
 public:
  struct Item {
    Addr prefix;
    uint8_t length = 0;
    bool used = false;
    uint32_t value = 0;
  };

  using Lengths = std::bitset<129>;

  RouteList() : slots_(1024) {}
  void reserve(size_t n) {
    size_t want = slots_.size();
    while (want < n * 2) want *= 2;
    if (want != slots_.size()) resize(want);
  }
  size_t size() const { return size_; }

  Item* find(const Addr& prefix, unsigned length) {
    Item& at = slots_[place(prefix, length)];
    return at.used ? &at : nullptr;
  }
  const Item* find(const Addr& prefix, unsigned length) const {
    return const_cast<RouteList*>(this)->find(prefix, length);
  }
  // The prefix is not in yet.
  void insert(const Addr& prefix, unsigned length, uint32_t value) {
    if ((size_ + 1) * 2 > slots_.size()) resize(slots_.size() * 2);
    slots_[place(prefix, length)] = {prefix, static_cast<uint8_t>(length), true, value};
    ++size_;
    ++of_length_[length];
  }
  // The prefix is in. Closes the gap, so that no tombstones pile up.
  void erase(const Addr& prefix, unsigned length) {
    size_t at = place(prefix, length);
    const size_t mask = slots_.size() - 1;
    for (size_t next = (at + 1) & mask; slots_[next].used; next = (next + 1) & mask) {
      const size_t wants = home(slots_[next].prefix, slots_[next].length);
      if (((next - wants) & mask) < ((next - at) & mask)) continue;
      slots_[at] = slots_[next];
      at = next;
    }
    slots_[at] = {};
    --size_;
    --of_length_[length];
  }
  // The longest prefix shorter than `length` in which `a` lies and which `holds` accepts; null: none.
  // `among`: the lengths worth a look.
  template <class F>
  const Item* cover(const Addr& a, unsigned length, F&& holds, const Lengths& among = Lengths{}.set()) const {
    while (length-- > 0) {
      if (of_length_[length] == 0 || !among[length]) continue;
      const Item* at = find(network(a, length), length);
      if (at != nullptr && holds(*at)) return at;
    }
    return nullptr;
  }
  template <class F>
  void for_each(F&& f) {
    for (Item& i : slots_)
      if (i.used) f(i);
  }

 private:
  static uint64_t number(Ip4Addr a) { return a.v; }
  static uint64_t number(const Ip6Addr& a) {
    return load_be<uint64_t>(a.b.data()) ^ load_be<uint64_t>(a.b.data() + 8) * 0x9e3779b97f4a7c15u;
  }
  // Whoever may add routes is trusted, so the hash needs no key.
  size_t home(const Addr& prefix, unsigned length) const {
    uint64_t h = (number(prefix) + length) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;
    h *= 0xc4ceb9fe1a85ec53u;
    return (h >> 20) & (slots_.size() - 1);
  }
  size_t place(const Addr& prefix, unsigned length) const {
    size_t at = home(prefix, length);
    while (slots_[at].used && (slots_[at].length != length || slots_[at].prefix != prefix))
      at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void resize(size_t slots) {
    std::vector<Item> old(slots);
    old.swap(slots_);
    for (const Item& i : old)
      if (i.used) slots_[place(i.prefix, i.length)] = i;
  }

  std::vector<Item> slots_;  // a power of two, at most half of them used
  size_t size_ = 0;
  std::array<uint32_t, 129> of_length_{};
};

}  // namespace sluice::ip
