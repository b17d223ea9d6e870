// SPDX-License-Identifier: Apache-2.0
// The Internet checksum: RFC 1071, its incremental update (RFC 1624), and the pseudo-header of TCP and UDP
// (RFC 9293 §3.1, RFC 8200 §8.1).
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "wire/ip_addr.h"

namespace sluice::wire {

// A one's complement sum in progress. Its value is independent of the machine's byte order.
class Sum {
 public:
  constexpr Sum() = default;

  // Adds bytes; if an earlier piece had an odd length, this one must not follow it (all but the last are
  // even).
  Sum& add(Bytes b);
  constexpr Sum& add(uint16_t host_order) {
    sum_ += host_order;
    return *this;
  }
  // Two words of 16 bits, of which the first is the upper half: 2^16 is 1 in this arithmetic.
  constexpr Sum& add_two(uint32_t host_order) {
    sum_ += host_order;
    return *this;
  }
  constexpr Sum& add(const IpAddr& a) {
    if (a.is_v4()) return add_two(a.v4().v);
    for (size_t i = 0; i < 16; i += 4) add_two(load_be<uint32_t>(a.bytes().data() + i));
    return *this;
  }

  // Folded to 16 bits, host order, not complemented.
  constexpr uint16_t folded() const { return fold(sum_); }
  // What goes into the header field (host order; Field stores it in network order).
  constexpr uint16_t checksum() const { return static_cast<uint16_t>(~folded()); }

 private:
  static constexpr uint16_t fold(uint64_t s) {
    s = (s & 0xffff'ffff) + (s >> 32);
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    return static_cast<uint16_t>((s & 0xffff) + (s >> 16));
  }

  uint64_t sum_ = 0;
};

// The sum of the pseudo-header. `length`: octets of the transport header and its payload.
inline Sum pseudo_header(const IpAddr& src, const IpAddr& dst, uint8_t proto, uint32_t length) {
  Sum s;
  s.add(src).add(dst).add(static_cast<uint16_t>(proto));
  return s.add(static_cast<uint16_t>(length >> 16)).add(static_cast<uint16_t>(length));
}

// The checksum after one 16-bit word of what it covers changed from `was` to `is`: RFC 1624 §3, equation 3.
// Right as long as not all that is covered is zero afterwards: then it gives 0 for 0xffff.
constexpr uint16_t update(uint16_t checksum, uint16_t was, uint16_t is) {
  uint32_t s = static_cast<uint16_t>(~checksum);
  s += static_cast<uint16_t>(~was);
  s += is;
  s = (s & 0xffff) + (s >> 16);
  s = (s & 0xffff) + (s >> 16);
  return static_cast<uint16_t>(~s);
}
static_assert(update(0xdd2f, 0x5555, 0x3285) == 0x0000);  // the example of RFC 1624 §4

}  // namespace sluice::wire
