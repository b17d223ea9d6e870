// SPDX-License-Identifier: Apache-2.0
#include "io/quiescence.h"

#include <rte_rcu_qsbr.h>

#include <cstdlib>

#include "base/check.h"

namespace sluice::io {

Quiescence::Quiescence(size_t readers) {
  const auto count = static_cast<uint32_t>(readers);
  const size_t octets =
      (rte_rcu_qsbr_get_memsize(count) + RTE_CACHE_LINE_SIZE - 1) & ~size_t{RTE_CACHE_LINE_SIZE - 1};
  rcu_ = static_cast<rte_rcu_qsbr*>(std::aligned_alloc(RTE_CACHE_LINE_SIZE, octets));
  check(rcu_ != nullptr && rte_rcu_qsbr_init(rcu_, count) == 0,
        "a few cache lines for the workers' grace period");
  for (uint32_t k = 0; k < count; ++k)
    check(rte_rcu_qsbr_thread_register(rcu_, k) == 0, "a worker registers once");
}

Quiescence::~Quiescence() { std::free(rcu_); }

uint64_t Quiescence::start() { return rte_rcu_qsbr_start(rcu_); }
bool Quiescence::passed(uint64_t token) { return rte_rcu_qsbr_check(rcu_, token, false) == 1; }
void Quiescence::between_bursts(size_t k) { rte_rcu_qsbr_quiescent(rcu_, static_cast<unsigned>(k)); }
void Quiescence::enter(size_t k) { rte_rcu_qsbr_thread_online(rcu_, static_cast<unsigned>(k)); }
void Quiescence::leave(size_t k) { rte_rcu_qsbr_thread_offline(rcu_, static_cast<unsigned>(k)); }

}  // namespace sluice::io
