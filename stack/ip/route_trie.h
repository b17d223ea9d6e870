// SPDX-License-Identifier: Apache-2.0
// Longest prefix match for one table of one family: what the workers look into. A trie with strides of 16 and
// then 8 bits in which every address ends at one entry, so that a lookup for IPv4 is two or three loads. One
// writer changes it while any number of readers look: each entry changes by one store, so a reader finds for
// an address what was right before a change or what is right after it. Knows no route but as a number.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/prefetch.h"
#include "ip/route_groups.h"
#include "wire/ip_addr.h"

namespace sluice::ip {

constexpr unsigned first_16(Ip4Addr a) { return a.v >> 16; }
constexpr unsigned first_16(const Ip6Addr& a) { return static_cast<unsigned>(a.b[0] << 8 | a.b[1]); }
constexpr unsigned octet(Ip4Addr a, unsigned i) { return a.v >> (24 - 8 * i) & 0xff; }
constexpr unsigned octet(const Ip6Addr& a, unsigned i) { return a.b[i]; }

template <class Addr>
class RouteTrie {
 public:
  static constexpr unsigned bits = Addr::wire_size * 8;
  static constexpr uint32_t value_max = (1u << 23) - 1;  // 0: no route
  static constexpr size_t burst = 64;

  explicit RouteTrie(uint32_t groups_most) : root_{new Entry[root_entries]{}}, groups_{groups_most} {}

  // --- the writer
  void readers_from_now_on(Grace* grace) { groups_.readers_from_now_on(grace); }
  // The prefix, without host bits, gets a value, or another one; so do longer ones in it whose value
  // `gives_way`. False: no memory, and nothing is lost but this route.
  template <class F>
  bool set(const Addr& prefix, unsigned length, uint32_t value, F&& gives_way) {
    const uint32_t leaf = leaf_of(length, value);
    return write(root_.get(), 0, 16, prefix, length, leaf,
                 [&](uint32_t e) { return length_of(e) <= length || gives_way(value_of(e)); });
  }
  bool set(const Addr& prefix, unsigned length, uint32_t value) {
    return set(prefix, length, value, [](uint32_t) { return false; });
  }
  // The prefix, which is there, gives way to the shorter one that covers it: {0, 0} when there is none.
  void clear(const Addr& prefix, unsigned length, unsigned cover_length, uint32_t cover_value) {
    const uint32_t leaf = leaf_of(cover_length, cover_value);
    write(root_.get(), 0, 16, prefix, length, leaf, [length](uint32_t e) { return length_of(e) == length; });
  }
  // The groups that set() would have to make for a prefix: each(bits in front of one).
  template <class F>
  void lacking(const Addr& prefix, unsigned length, F&& each) const {
    unsigned end = 16;
    uint32_t e = root_[first_16(prefix)].load(std::memory_order_relaxed);
    for (; length > end && is_group(e); end += 8)
      e = groups_.at(group_of(e))[octet(prefix, end / 8)].load(std::memory_order_relaxed);
    for (; length > end; end += 8) each(end);
  }
  // False: there is no memory for so many more groups.
  bool reserve(size_t groups) { return groups_.reserve(groups); }
  size_t octets() const { return root_entries * sizeof(Entry) + groups_.octets(); }
  size_t groups() const { return groups_.used(); }

  // --- readers
  uint32_t lookup(const Addr& a) const {
    uint32_t e = root_[first_16(a)].load(std::memory_order_acquire);
    for (unsigned i = 2; is_group(e); ++i)
      e = groups_.at(group_of(e))[octet(a, i)].load(std::memory_order_acquire);
    return value_of(e);
  }
  // Of n addresses, at most `burst`: one level at a time, so that the loads of a level run side by side.
  void lookup(const Addr* a, uint32_t* values, size_t n) const {
    uint8_t deeper[burst];
    const Entry* next[burst];
    size_t more = 0;
    for (size_t k = 0; k < n; ++k) {
      const uint32_t e = root_[first_16(a[k])].load(std::memory_order_acquire);
      values[k] = value_of(e);
      next[more] = is_group(e) ? groups_.at(group_of(e)) + octet(a[k], 2) : nullptr;
      prefetch(next[more]);
      deeper[more] = static_cast<uint8_t>(k);
      more += is_group(e);
    }
    for (unsigned i = 3; more != 0; ++i) {
      const size_t all = more;
      more = 0;
      for (size_t j = 0; j < all; ++j) {
        const size_t k = deeper[j];
        const uint32_t e = next[j]->load(std::memory_order_acquire);
        if (!is_group(e)) [[likely]] {
          values[k] = value_of(e);
          continue;
        }
        next[more] = groups_.at(group_of(e)) + octet(a[k], i);
        prefetch(next[more]);
        deeper[more++] = static_cast<uint8_t>(k);
      }
    }
  }

 private:
  using Entry = RouteGroups::Entry;
  static constexpr size_t root_entries = 1u << 16;

  // An entry: a group's number under the highest bit; or, without it, the length of the prefix it is of, 8
  // bits, and its value.
  static constexpr uint32_t group_bit = 1u << 31;
  static constexpr bool is_group(uint32_t e) { return (e & group_bit) != 0; }
  static constexpr uint32_t group_of(uint32_t e) { return e & ~group_bit; }
  static constexpr uint32_t leaf_of(unsigned length, uint32_t value) { return length << 23 | value; }
  static constexpr unsigned length_of(uint32_t e) { return e >> 23; }
  static constexpr uint32_t value_of(uint32_t e) { return e & value_max; }

  // `node`: entries for the bits from `from` on, `stride` of them.
  template <class Mine>
  bool write(Entry* node, unsigned from, unsigned stride, const Addr& prefix, unsigned length, uint32_t leaf,
             Mine&& mine) {
    const unsigned first = from == 0 ? first_16(prefix) : octet(prefix, from / 8);
    const unsigned end = from + stride;
    if (length <= end) {
      const size_t count = size_t{1} << (end - length);
      for (size_t i = first; i < first + count; ++i) overwrite(node[i], leaf, mine);
      return true;
    }
    Entry& entry = node[first];
    const uint32_t was = entry.load(std::memory_order_relaxed);
    if (is_group(was)) {
      Entry* const group = groups_.at(group_of(was));
      const bool done = write(group, end, 8, prefix, length, leaf, mine);
      fold(entry, group, end);
      return done;
    }
    if (was == leaf) return true;  // clearing what was never there
    const uint32_t fresh = groups_.alloc();
    if (fresh == RouteGroups::none) return false;
    Entry* const group = groups_.at(fresh);
    cover(fresh) = was;
    for (unsigned i = 0; i < RouteGroups::group_entries; ++i) group[i].store(was, std::memory_order_relaxed);
    const bool done = write(group, end, 8, prefix, length, leaf, mine);
    if (done)
      entry.store(group_bit | fresh, std::memory_order_release);
    else
      drop(fresh);
    return done;
  }
  // All below the entry that is `mine` becomes `leaf`. Not looked into: a group whose cover is not, for what
  // is longer than that is not either, and nothing shorter is in it.
  template <class Mine>
  void overwrite(Entry& entry, uint32_t leaf, Mine&& mine) {
    const uint32_t was = entry.load(std::memory_order_relaxed);
    if (is_group(was)) {
      if (!mine(cover(group_of(was)))) return;
      cover(group_of(was)) = leaf;
      Entry* const group = groups_.at(group_of(was));
      for (unsigned i = 0; i < RouteGroups::group_entries; ++i) overwrite(group[i], leaf, mine);
    } else if (mine(was)) {
      entry.store(leaf, std::memory_order_release);
    }
  }
  // A group that says the same everywhere, of a prefix that ends above it, is no longer needed.
  void fold(Entry& entry, Entry* group, unsigned end) {
    const uint32_t all = group[0].load(std::memory_order_relaxed);
    if (is_group(all) || length_of(all) > end) return;
    for (unsigned i = 1; i < RouteGroups::group_entries; ++i)
      if (group[i].load(std::memory_order_relaxed) != all) return;
    const uint32_t number = group_of(entry.load(std::memory_order_relaxed));
    entry.store(all, std::memory_order_release);
    groups_.release(number);
  }
  // What holds in a group wherever no prefix longer than those above it does.
  uint32_t& cover(uint32_t group) { return groups_.note(group); }
  // A new group that nobody has seen, with the groups in it.
  void drop(uint32_t number) {
    Entry* const group = groups_.at(number);
    for (unsigned i = 0; i < RouteGroups::group_entries; ++i)
      if (const uint32_t e = group[i].load(std::memory_order_relaxed); is_group(e)) drop(group_of(e));
    groups_.release(number);
  }

  std::unique_ptr<Entry[]> root_;
  RouteGroups groups_;
};

}  // namespace sluice::ip
