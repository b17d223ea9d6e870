// SPDX-License-Identifier: Apache-2.0
// The grace period of the workers, by DPDK's quiescent-state RCU: each says when it is between two bursts.
#pragma once

#include <cstddef>
#include <memory>

#include "base/grace.h"

struct rte_rcu_qsbr;

namespace sluice::io {

class Quiescence final : public Grace {
 public:
  explicit Quiescence(size_t readers);
  ~Quiescence() override;

  // --- the writer
  uint64_t start() override;
  bool passed(uint64_t token) override;

  // --- reader k: it holds nothing that is shared
  void between_bursts(size_t k);
  // From enter() to leave() it may hold something; outside, nobody waits for it.
  void enter(size_t k);
  void leave(size_t k);

 private:
  rte_rcu_qsbr* rcu_;
};

}  // namespace sluice::io
