// SPDX-License-Identifier: Apache-2.0
// The memory of a route trie: groups of 256 entries, named by a number, in DPDK's memory (hugepages where
// there are any). One writer; readers may hold a group until the grace period after its release has passed.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/grace.h"

namespace sluice::ip {

class RouteGroups {
 public:
  using Entry = std::atomic<uint32_t>;
  static constexpr uint32_t group_entries = 256;
  static constexpr uint32_t none = UINT32_MAX;

  // `most`: groups at most. `grace` outlives the object; null: there are no readers yet, released groups are
  // free at once.
  explicit RouteGroups(uint32_t most);
  ~RouteGroups();
  RouteGroups(const RouteGroups&) = delete;
  RouteGroups& operator=(const RouteGroups&) = delete;

  void readers_from_now_on(Grace* grace) { grace_ = grace; }

  // Entries are what the last owner left; none when memory is short.
  uint32_t alloc();
  void release(uint32_t group);
  // So many can be had from here on, or false, and no memory more is taken.
  bool reserve(size_t groups);
  Entry* at(uint32_t group) const {
    return chunks_[group / chunk_groups] + size_t{group % chunk_groups} * group_entries;
  }
  // A word that the writer keeps with a group; readers never look at it.
  uint32_t& note(uint32_t group) { return notes_[group]; }
  size_t used() const { return used_; }
  size_t octets() const { return made_ * group_entries * sizeof(Entry); }  // that lookups read

 private:
  static constexpr uint32_t chunk_groups = 1024;  // 1 MiB
  struct Retired {
    uint32_t group;
    uint64_t token;
  };
  void reclaim();
  bool grow();

  // Never moves: readers look into it. A chunk's address is there before any entry names one of its groups.
  std::vector<Entry*> chunks_;
  uint32_t made_ = 0;
  size_t used_ = 0;
  std::vector<uint32_t> notes_, free_;
  std::deque<Retired> retired_;
  Grace* grace_ = nullptr;
};

}  // namespace sluice::ip
