// SPDX-License-Identifier: Apache-2.0
// The memory of a route trie: nodes of one kind, named by a number, in DPDK's memory (hugepages where there
// are any). One writer; readers may hold a node until the grace period after its release has passed.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/grace.h"
#include "ip/route_bucket.h"

namespace sluice::ip {

// What the next eight bits of an address lead to.
struct RouteGroup {
  static constexpr unsigned entries = 256;
  std::array<std::atomic<uint32_t>, entries> entry;
};

template <class Node>
class RouteNodes {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  // `most`: nodes at most.
  explicit RouteNodes(uint32_t most) : chunks_(most / chunk_nodes + 1, nullptr) {}
  ~RouteNodes();
  RouteNodes(const RouteNodes&) = delete;
  RouteNodes& operator=(const RouteNodes&) = delete;

  // `grace` outlives the object; before, there are no readers, and what is released is free at once.
  void readers_from_now_on(Grace* grace) { grace_ = grace; }

  // A node is what its last owner left; none when memory is short.
  uint32_t alloc();
  void release(uint32_t node);
  // For one that no reader has seen.
  void give_back(uint32_t node);
  // So many can be had from here on, or false, and no memory more is taken.
  bool reserve(size_t nodes);
  // Undoes reserve()s since so many were made, and no alloc() since.
  void unreserve(size_t made);
  Node& at(uint32_t node) const { return chunks_[node / chunk_nodes][node % chunk_nodes]; }
  size_t used() const { return used_; }
  size_t made() const { return made_; }                           // numbers are below
  size_t octets() const { return size_t{made_} * sizeof(Node); }  // that lookups read

 private:
  static constexpr uint32_t chunk_nodes = (1u << 20) / sizeof(Node);
  struct Retired {
    uint32_t node;
    uint64_t token;
  };
  void reclaim();
  bool grow();

  // Never moves: readers look into it. A chunk's address is there before any entry names one of its nodes.
  std::vector<Node*> chunks_;
  uint32_t made_ = 0;
  size_t used_ = 0;
  std::vector<uint32_t> free_;
  std::deque<Retired> retired_;
  Grace* grace_ = nullptr;
};

extern template class RouteNodes<RouteGroup>;
extern template class RouteNodes<RouteBucket>;

}  // namespace sluice::ip
