// SPDX-License-Identifier: Apache-2.0
#include "ip/route_nodes.h"

#include <rte_malloc.h>

#include <memory>

namespace sluice::ip {

template <class Node>
RouteNodes<Node>::~RouteNodes() {
  for (Node* chunk : chunks_) rte_free(chunk);
}

template <class Node>
bool RouteNodes<Node>::grow() {
  const size_t chunk = made_ / chunk_nodes;
  if (chunk == chunks_.size()) return false;
  void* const memory = rte_malloc("routes", chunk_nodes * sizeof(Node), sizeof(Node));
  if (memory == nullptr) return false;
  chunks_[chunk] = static_cast<Node*>(memory);
  std::uninitialized_default_construct_n(chunks_[chunk], chunk_nodes);
  for (uint32_t i = chunk_nodes; i-- > 0;) free_.push_back(made_ + i);
  made_ += chunk_nodes;
  return true;
}

template <class Node>
void RouteNodes<Node>::reclaim() {
  while (!retired_.empty() && grace_->passed(retired_.front().token)) {
    free_.push_back(retired_.front().node);
    retired_.pop_front();
  }
}

template <class Node>
bool RouteNodes<Node>::reserve(size_t nodes) {
  reclaim();
  const size_t made = made_;
  while (free_.size() < nodes) {
    if (grow()) continue;
    unreserve(made);
    return false;
  }
  return true;
}

template <class Node>
void RouteNodes<Node>::unreserve(size_t made) {
  for (; made_ != made; made_ -= chunk_nodes) {
    free_.resize(free_.size() - chunk_nodes);  // those that came last
    Node*& chunk = chunks_[made_ / chunk_nodes - 1];
    rte_free(chunk);
    chunk = nullptr;
  }
}

template <class Node>
uint32_t RouteNodes<Node>::alloc() {
  reclaim();
  if (free_.empty() && !grow()) return none;
  const uint32_t node = free_.back();
  free_.pop_back();
  ++used_;
  return node;
}

template <class Node>
void RouteNodes<Node>::release(uint32_t node) {
  if (grace_ == nullptr) return give_back(node);
  --used_;
  retired_.push_back({node, grace_->start()});
}

template <class Node>
void RouteNodes<Node>::give_back(uint32_t node) {
  --used_;
  free_.push_back(node);
}

template class RouteNodes<RouteGroup>;
template class RouteNodes<RouteBucket>;

}  // namespace sluice::ip
