// SPDX-License-Identifier: Apache-2.0
// Longest prefix match for one table of one family: what the workers look into. A trie with strides of 16 and
// then 8 bits in which every address ends at one entry, or in a bucket where few prefixes are so long, so
// that a lookup for IPv4 is two or three loads. One writer changes it while any number of readers look: each
// entry changes by one store, so a reader finds for an address what was right before a change or what is
// right after it. Knows no route but as a number.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/prefetch.h"
#include "ip/route_list.h"
#include "ip/route_nodes.h"
#include "wire/ip_addr.h"

namespace sluice::ip {

constexpr unsigned first_16(Ip4Addr a) { return a.v >> 16; }
constexpr unsigned first_16(const Ip6Addr& a) { return static_cast<unsigned>(a.b[0] << 8 | a.b[1]); }
constexpr unsigned octet(Ip4Addr a, unsigned i) { return a.v >> (24 - 8 * i) & 0xff; }
constexpr unsigned octet(const Ip6Addr& a, unsigned i) { return a.b[i]; }

// The 32 bits behind the first `end`, a multiple of 8; zeros behind the last.
constexpr uint32_t tail(Ip4Addr a, unsigned end) { return a.v << end; }
constexpr uint32_t tail(const Ip6Addr& a, unsigned end) {
  return end <= 96 ? load_be<uint32_t>(a.b.data() + end / 8)
                   : load_be<uint32_t>(a.b.data() + 12) << (end - 96);
}
// The first `end` bits of `a`, and that tail.
constexpr Ip4Addr with_tail(Ip4Addr a, unsigned end, uint32_t tail) {
  return {network(a, end).v | tail >> end};
}
constexpr Ip6Addr with_tail(const Ip6Addr& a, unsigned end, uint32_t tail) {
  Ip6Addr whole = network(a, end);
  for (unsigned i = end / 8; i < 16 && tail != 0; ++i, tail <<= 8)
    whole.b[i] = static_cast<uint8_t>(tail >> 24);
  return whole;
}

template <class Addr>
class RouteTrie {
 public:
  static constexpr unsigned bits = Addr::wire_size * 8;
  static constexpr uint32_t value_max = (1u << RouteBucket::value_bits) - 1;  // 0: no route
  static constexpr size_t burst = 64;

  RouteTrie(uint32_t groups_most, uint32_t buckets_most)
      : root_{new Entry[root_entries]{}}, groups_{groups_most}, buckets_{buckets_most} {}

  // --- the writer
  void readers_from_now_on(Grace* grace) {
    groups_.readers_from_now_on(grace);
    buckets_.readers_from_now_on(grace);
  }
  // The prefix, without host bits, gets a value, or another one; so do longer ones in it whose value
  // `gives_way`. False: no memory, and nothing is lost but this route.
  template <class F>
  bool set(const Addr& prefix, unsigned length, uint32_t value, F&& gives_way) {
    const auto mine = [&](uint32_t e) { return length_of(e) <= length || gives_way(value_of(e)); };
    return write(root_.get(), 0, 16, prefix, length, leaf_of(length, value), mine,
                 [&](Entry& e, unsigned end) { return put(e, end, {prefix, length, value}, gives_way); });
  }
  bool set(const Addr& prefix, unsigned length, uint32_t value) {
    return set(prefix, length, value, [](uint32_t) { return false; });
  }
  // The prefix gives way to the longest shorter one that covers it and is there; {0, 0} when there is none.
  void clear(const Addr& prefix, unsigned length, unsigned cover_length, uint32_t cover_value) {
    const auto mine = [length](uint32_t e) { return length_of(e) == length; };
    write(root_.get(), 0, 16, prefix, length, leaf_of(cover_length, cover_value), mine,
          [&](Entry& e, unsigned end) {
            take(e, end, prefix, length);
            return true;
          });
  }
  // True: there is memory to set all of these, with nothing else set between them. False: there is not, and
  // no more is taken.
  bool reserve(std::span<const typename RouteList<Addr>::Item> coming);
  size_t octets() const { return root_entries * sizeof(Entry) + groups_.octets() + buckets_.octets(); }
  size_t groups() const { return groups_.used(); }
  size_t buckets() const { return buckets_.used(); }

  // --- readers
  uint32_t lookup(const Addr& a) const {
    uint32_t e = root_[first_16(a)].load(std::memory_order_acquire);
    unsigned end = 16;
    for (; is_group(e); end += 8) e = group(e)[octet(a, end / 8)].load(std::memory_order_acquire);
    return is_bucket(e) ? bucket(e).match(tail(a, end)) : value_of(e);
  }
  // Of n addresses, at most `burst`: one level at a time, so that the loads of a level run side by side.
  void lookup(const Addr* a, uint32_t* values, size_t n) const {
    uint8_t deeper[burst], in_bucket[burst];
    const Entry* next[burst];
    const RouteBucket* at[burst];
    uint32_t tails[burst];
    size_t more = 0, buckets = 0;
    const auto follow = [&](uint8_t k, uint32_t e, unsigned end) {
      if (is_group(e)) {
        next[more] = &group(e)[octet(a[k], end / 8)];
        prefetch(next[more]);
        deeper[more++] = k;
      } else if (is_leaf(e)) {
        values[k] = value_of(e);
      } else {
        at[buckets] = &bucket(e);
        prefetch(at[buckets]);
        tails[buckets] = tail(a[k], end);
        in_bucket[buckets++] = k;
      }
    };
    for (size_t k = 0; k < n; ++k)
      follow(static_cast<uint8_t>(k), root_[first_16(a[k])].load(std::memory_order_acquire), 16);
    for (unsigned end = 24; more != 0; end += 8) {
      const size_t all = more;
      more = 0;
      for (size_t j = 0; j < all; ++j) follow(deeper[j], next[j]->load(std::memory_order_acquire), end);
    }
    for (size_t j = 0; j < buckets; ++j) values[in_bucket[j]] = at[j]->match(tails[j]);
  }

 private:
  using Entry = std::atomic<uint32_t>;
  struct Item {
    Addr prefix;
    unsigned length = 0;
    uint32_t value = 0;
  };
  static constexpr size_t root_entries = 1u << 16;
  static constexpr uint32_t none = RouteNodes<RouteGroup>::none;

  // An entry. A leaf: the length of the prefix it is of, 8 bits, and its value. A group or a bucket: which of
  // them under the two highest bits.
  static constexpr uint32_t group_kind = 2u << 30, bucket_kind = 3u << 30;
  static constexpr bool is_leaf(uint32_t e) { return e >> 31 == 0; }
  static constexpr bool is_group(uint32_t e) { return e >> 30 == 2; }
  static constexpr bool is_bucket(uint32_t e) { return e >> 30 == 3; }
  static constexpr uint32_t number_of(uint32_t e) { return e & ~(3u << 30); }
  static constexpr uint32_t leaf_of(unsigned length, uint32_t value) {
    return length << RouteBucket::value_bits | value;
  }
  static constexpr unsigned length_of(uint32_t e) { return e >> RouteBucket::value_bits; }
  static constexpr uint32_t value_of(uint32_t e) { return e & value_max; }
  Entry* group(uint32_t e) const { return groups_.at(number_of(e)).entry.data(); }
  RouteBucket& bucket(uint32_t e) const { return buckets_.at(number_of(e)); }
  // What holds in a group wherever no prefix longer than those above it does.
  uint32_t& cover(uint32_t e) { return covers_[number_of(e)]; }

  // Where the prefix ends, what is `mine` becomes `leaf`. Where there are no groups so far down, that is left
  // to below(entry, its end), which says whether it could. `node`: entries for the bits from `from` on,
  // `stride` of them.
  template <class Mine, class Below>
  bool write(Entry* node, unsigned from, unsigned stride, const Addr& prefix, unsigned length, uint32_t leaf,
             Mine&& mine, Below&& below) {
    const unsigned first = from == 0 ? first_16(prefix) : octet(prefix, from / 8);
    const unsigned end = from + stride;
    if (length <= end) {
      const size_t count = size_t{1} << (end - length);
      for (size_t i = first; i < first + count; ++i) overwrite(node[i], end, leaf, mine);
      return true;
    }
    Entry& entry = node[first];
    const uint32_t e = entry.load(std::memory_order_relaxed);
    if (!is_group(e)) return below(entry, end);
    const bool done = write(group(e), end, 8, prefix, length, leaf, mine, below);
    fold(entry, end);
    return done;
  }
  // All below the entry that is `mine` becomes `leaf`. Not looked into: a node whose cover is not, for what
  // is longer than that is not either, and nothing shorter is in it.
  template <class Mine>
  void overwrite(Entry& entry, unsigned end, uint32_t leaf, Mine&& mine) {
    const uint32_t was = entry.load(std::memory_order_relaxed);
    if (is_group(was)) {
      if (!mine(cover(was))) return;
      cover(was) = leaf;
      Entry* const entries = group(was);
      for (unsigned i = 0; i < RouteGroup::entries; ++i) overwrite(entries[i], end + 8, leaf, mine);
    } else if (is_bucket(was)) {
      RouteBucket& b = bucket(was);
      if (!mine(b.cover())) return;
      b.cover(leaf);
      b.for_each([&](const RouteBucket::Item& i, unsigned place) {
        if (mine(leaf_of(end + i.length, i.value))) b.erase(place);
      });
      leave_if_empty(entry, b);
    } else if (mine(was)) {
      entry.store(leaf, std::memory_order_release);
    }
  }
  // A group that says the same everywhere, of a prefix that ends above it, is no longer needed.
  void fold(Entry& entry, unsigned end) {
    const uint32_t was = entry.load(std::memory_order_relaxed);
    const Entry* const entries = group(was);
    const uint32_t all = entries[0].load(std::memory_order_relaxed);
    if (!is_leaf(all) || length_of(all) > end) return;
    for (unsigned i = 1; i < RouteGroup::entries; ++i)
      if (entries[i].load(std::memory_order_relaxed) != all) return;
    entry.store(all, std::memory_order_release);
    groups_.release(number_of(was));
  }
  void leave_if_empty(Entry& entry, const RouteBucket& b) {
    if (b.size() != 0) return;
    const uint32_t was = entry.load(std::memory_order_relaxed);
    entry.store(b.cover(), std::memory_order_release);
    buckets_.release(number_of(was));
  }

  // Adds a prefix longer than `end` to a leaf or a bucket.
  template <class F>
  bool put(Entry& entry, unsigned end, const Item& item, F&& gives_way) {
    const uint32_t was = entry.load(std::memory_order_relaxed);
    if (is_bucket(was) && put_in_place(bucket(was), end, item, gives_way)) return true;
    std::array<Item, RouteBucket::most + 1> items;
    size_t n = 0;
    bool in = false;
    const auto add = [&](const Item& i) { items[n++] = i; };
    if (is_bucket(was))
      bucket(was).for_each([&](const RouteBucket::Item& i, unsigned) {
        const Item there{with_tail(item.prefix, end, i.tail), end + i.length, i.value};
        if (holds(item, there) && gives_way(there.value)) return;
        if (!in && there.length < item.length) {
          in = true;
          add(item);
        }
        add(there);
      });
    if (!in) add(item);
    const uint32_t made = build(std::span{items}.first(n), end, is_bucket(was) ? bucket(was).cover() : was);
    if (made == none) return false;
    entry.store(made, std::memory_order_release);
    if (is_bucket(was)) buckets_.release(number_of(was));
    return true;
  }
  // False: the prefix is not in there.
  template <class F>
  static bool put_in_place(RouteBucket& b, unsigned end, const Item& item, F&& gives_way) {
    const RouteBucket::Item mine = in_bucket(item, end);
    bool there = false;
    b.for_each([&](const RouteBucket::Item& i, unsigned place) {
      if (i.length != mine.length || i.tail != mine.tail) return;
      b.replace(place, mine);
      there = true;
    });
    if (!there) return false;
    b.for_each([&](const RouteBucket::Item& i, unsigned place) {
      const Item longer{with_tail(item.prefix, end, i.tail), end + i.length, i.value};
      if (holds(item, longer) && gives_way(i.value)) b.erase(place);
    });
    return true;
  }
  // Takes a prefix longer than `end` out, if it is in.
  void take(Entry& entry, unsigned end, const Addr& prefix, unsigned length) {
    const uint32_t was = entry.load(std::memory_order_relaxed);
    if (!is_bucket(was)) return;
    RouteBucket& b = bucket(was);
    b.for_each([&](const RouteBucket::Item& i, unsigned place) {
      if (end + i.length == length && i.tail == tail(prefix, end)) b.erase(place);
    });
    leave_if_empty(entry, b);
  }
  // `b` is longer than `a` and lies in it.
  static bool holds(const Item& a, const Item& b) {
    return b.length > a.length && network(b.prefix, a.length) == a.prefix;
  }
  static RouteBucket::Item in_bucket(const Item& i, unsigned end) {
    return {tail(i.prefix, end), i.length - end, i.value};
  }

  // An entry under which are these prefixes, longer than `end`, the longest first, and else the cover, a
  // leaf. None, and nothing taken: there is no memory. No reader sees it yet.
  uint32_t build(std::span<const Item> items, unsigned end, uint32_t cover) {
    if (items.size() > RouteBucket::most || items[0].length > end + RouteBucket::bits)
      return build_group(items, end, cover);
    const uint32_t number = buckets_.alloc();
    if (number == none) return none;
    std::array<RouteBucket::Item, RouteBucket::most> in;
    for (size_t i = 0; i < items.size(); ++i) in[i] = in_bucket(items[i], end);
    buckets_.at(number).fill(std::span{in}.first(items.size()), cover);
    return bucket_kind | number;
  }
  uint32_t build_group(std::span<const Item> items, unsigned end, uint32_t cover_all) {
    const uint32_t number = groups_.alloc();
    if (number == none) return none;
    covers_.resize(groups_.made());
    const uint32_t made = group_kind | number;
    cover(made) = cover_all;
    Entry* const entries = group(made);
    for (unsigned i = 0; i < RouteGroup::entries; ++i) entries[i].store(cover_all, std::memory_order_relaxed);
    // The shorter ones first, and the longer ones over them.
    size_t longer = items.size();
    for (; longer != 0 && items[longer - 1].length <= end + 8; --longer) {
      const Item& i = items[longer - 1];
      const unsigned first = octet(i.prefix, end / 8), count = 1u << (end + 8 - i.length);
      for (unsigned k = first; k < first + count; ++k)
        entries[k].store(leaf_of(i.length, i.value), std::memory_order_relaxed);
    }
    for (size_t k = 0; k < longer; ++k) {
      const unsigned at = octet(items[k].prefix, end / 8);
      const uint32_t leaf = entries[at].load(std::memory_order_relaxed);
      if (!is_leaf(leaf)) continue;  // went there with an earlier one
      std::array<Item, RouteBucket::most + 1> together;
      size_t n = 0;
      for (size_t j = k; j < longer; ++j)
        if (octet(items[j].prefix, end / 8) == at) together[n++] = items[j];
      const uint32_t below = build(std::span{together}.first(n), end + 8, leaf);
      if (below == none) {
        give_back(made);
        return none;
      }
      entries[at].store(below, std::memory_order_relaxed);
    }
    return made;
  }
  // What no reader has seen, with all in it.
  void give_back(uint32_t e) {
    if (is_bucket(e)) buckets_.give_back(number_of(e));
    if (!is_group(e)) return;
    for (unsigned i = 0; i < RouteGroup::entries; ++i) give_back(group(e)[i].load(std::memory_order_relaxed));
    groups_.give_back(number_of(e));
  }

  std::unique_ptr<Entry[]> root_;
  RouteNodes<RouteGroup> groups_;
  RouteNodes<RouteBucket> buckets_;
  std::vector<uint32_t> covers_;  // [group]; the writer's
};

// A set() takes one bucket, or makes one of its groups, and up to eight buckets in it. A group can come of a
// place where more prefixes meet than a bucket has room for, with those that are in one now, or one is too
// long for a bucket there.
template <class Addr>
bool RouteTrie<Addr>::reserve(std::span<const typename RouteList<Addr>::Item> coming) {
  RouteList<Addr> places;  // and how many meet there
  for (const auto& i : coming) {
    unsigned end = 16;
    uint32_t e = root_[first_16(i.prefix)].load(std::memory_order_relaxed);
    for (; i.length > end && is_group(e); end += 8)
      e = group(e)[octet(i.prefix, end / 8)].load(std::memory_order_relaxed);
    const auto there = is_bucket(e) ? static_cast<uint32_t>(bucket(e).size()) : 0;
    for (; i.length > end; end += 8) {
      const Addr at = network(i.prefix, end);
      if (places.find(at, end) == nullptr) places.insert(at, end, there);
      places.find(at, end)->value += i.length > end + RouteBucket::bits ? RouteBucket::most + 1 : 1;
    }
  }
  size_t groups = 0;
  places.for_each([&](const auto& i) { groups += i.value > RouteBucket::most; });
  const size_t made = groups_.made();
  if (!groups_.reserve(groups)) return false;
  const bool room = buckets_.reserve(coming.size() + (RouteBucket::most + 1) * groups);
  if (!room) groups_.unreserve(made);
  return room;
}

}  // namespace sluice::ip
