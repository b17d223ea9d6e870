// SPDX-License-Identifier: Apache-2.0
// Packets by the burst: taken from their pool, and given back, together.
#pragma once

#include <rte_mbuf.h>

#include "buf/pool.h"

namespace sluice::load {

// Fills the empty `out` with `n` empty packets; all or none.
inline bool take(buf::PacketPool& pool, buf::Batch& out, unsigned n) {
  rte_mbuf* m[buf::burst_size];
  if (rte_pktmbuf_alloc_bulk(pool.packets(), m, n) != 0) return false;
  for (unsigned i = 0; i < n; ++i) out.push(buf::Packet{m[i]});
  return true;
}

inline void give(buf::Batch& in) {
  rte_mbuf* m[buf::burst_size];
  unsigned n = 0;
  for (buf::Packet& p : in)
    if (p) m[n++] = p.release();
  in.clear();
  rte_pktmbuf_free_bulk(m, n);
}

}  // namespace sluice::load
