// SPDX-License-Identifier: Apache-2.0
#include "buf/chunk.h"

namespace sluice::buf {

Slice Slice::clone(uint32_t offset, uint32_t length) const {
  Slice s;
  s.data_ = data_ + offset;
  s.length_ = length;
  s.owner_ = owner_;
  if (Chunk* c = chunk())
    ++c->refs;
  else if (rte_mbuf* m = mbuf())
    rte_mbuf_refcnt_update(m, 1);
  return s;
}

void Slice::drop() {
  if (rte_mbuf* m = mbuf()) {
    rte_pktmbuf_free(m);
    return;
  }
  Chunk* c = chunk();
  if (--c->refs == 0 && c->release != nullptr) c->release(*c);
}

}  // namespace sluice::buf
