// SPDX-License-Identifier: Apache-2.0
// The Internet checksum's sum over a packet, in one piece or many.
#pragma once

#include "buf/packet.h"
#include "wire/checksum.h"

namespace sluice::buf {

// `sum` and all octets from `from` on, which lies in the first segment. Segments may be of odd length: octets
// at odd offsets count in the other half of the word (RFC 1071 §2 (B)).
inline wire::Sum sum_of(const Packet& p, wire::Sum sum, size_t from = 0) {
  if (p.contiguous()) return sum.add(p.bytes().subspan(from));
  bool odd = false;
  p.for_each_segment([&](Bytes b) {
    b = b.subspan(std::exchange(from, 0));
    const wire::Sum s = wire::Sum{}.add(b);
    sum.add(odd ? s.shifted() : s);
    odd ^= (b.size() & 1) != 0;
  });
  return sum;
}

}  // namespace sluice::buf
