// SPDX-License-Identifier: Apache-2.0
#include "ip/route_groups.h"

#include <rte_malloc.h>

#include <new>

namespace sluice::ip {

RouteGroups::RouteGroups(uint32_t most) : chunks_(most / chunk_groups + 1, nullptr) {}

RouteGroups::~RouteGroups() {
  for (Entry* chunk : chunks_) rte_free(chunk);
}

bool RouteGroups::grow() {
  const size_t chunk = made_ / chunk_groups;
  if (chunk == chunks_.size()) return false;
  void* memory = rte_malloc("routes", chunk_groups * group_entries * sizeof(Entry), 1024);
  if (memory == nullptr) return false;
  chunks_[chunk] = new (memory) Entry[size_t{chunk_groups} * group_entries];
  for (uint32_t i = chunk_groups; i-- > 0;) free_.push_back(made_ + i);
  made_ += chunk_groups;
  notes_.resize(made_);
  return true;
}

void RouteGroups::reclaim() {
  while (!retired_.empty() && grace_->passed(retired_.front().token)) {
    free_.push_back(retired_.front().group);
    retired_.pop_front();
  }
}

bool RouteGroups::reserve(size_t groups) {
  reclaim();
  const size_t free = free_.size();
  const uint32_t made = made_;
  while (free_.size() < groups) {
    if (grow()) continue;
    free_.resize(free);
    for (; made_ != made; made_ -= chunk_groups) {
      Entry*& chunk = chunks_[made_ / chunk_groups - 1];
      rte_free(chunk);
      chunk = nullptr;
    }
    return false;
  }
  return true;
}

uint32_t RouteGroups::alloc() {
  reclaim();
  if (free_.empty() && !grow()) return none;
  const uint32_t group = free_.back();
  free_.pop_back();
  ++used_;
  return group;
}

void RouteGroups::release(uint32_t group) {
  --used_;
  if (grace_ == nullptr)
    free_.push_back(group);
  else
    retired_.push_back({group, grace_->start()});
}

}  // namespace sluice::ip
