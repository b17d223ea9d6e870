// SPDX-License-Identifier: Apache-2.0
#include "io/quiescence.h"

#include <rte_rcu_qsbr.h>

#include <cstdlib>

#include "base/check.h"
#include "base/lines.h"

namespace sluice::io {

// The token is the writer's; each reader has its mark behind it.
static_assert(sizeof(rte_rcu_qsbr) % cache_line == 0 && owns_its_lines<rte_rcu_qsbr_cnt>);

Quiescence::Quiescence(size_t readers) {
  const auto count = static_cast<uint32_t>(readers);
  const size_t octets = whole_lines(rte_rcu_qsbr_get_memsize(count));
  rcu_ = static_cast<rte_rcu_qsbr*>(std::aligned_alloc(cache_line, octets));
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
