// SPDX-License-Identifier: Apache-2.0
// The Internet checksum: RFC 1071, its incremental update (RFC 1624), and the pseudo-header of TCP and UDP
// (RFC 9293 §3.1, RFC 8200 §8.1).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "wire/ip_addr.h"

namespace sluice::wire {

// A one's complement sum in progress: words as they lie in memory, 64 bits wide with the carry brought round,
// folded and put into the host's order once at the end. That gives the same as summing big-endian words of 16
// bits (RFC 1071 §2 (B)), for 2^16 and 2^64 are both 1 in this arithmetic.
class Sum {
 public:
  constexpr Sum() = default;

  // Adds bytes; if an earlier piece had an odd length, this one must not follow it (all but the last are
  // even).
  Sum& add(Bytes b) {
    const uint8_t* p = b.data();
    size_t n = b.size();
    if (n >= long_enough) {
      const size_t blocks = n & ~size_t{63};
      plus(sum_blocks(p, blocks));
      p += blocks;
      n -= blocks;
    }
    // Carries are counted apart, so that one addition does not wait for the carry of the one before.
    uint64_t s = sum_, carries = 0;
    const auto take = [&](const uint8_t* at) {
      carries += __builtin_add_overflow(s, word<uint64_t>(at), &s);
    };
    for (; n >= 32; n -= 32, p += 32) take(p), take(p + 8), take(p + 16), take(p + 24);
    if (n & 16) take(p), take(p + 8), p += 16;
    if (n & 8) take(p), p += 8;
    sum_ = s;
    plus(carries);
    if (n & 4) plus(word<uint32_t>(p)), p += 4;
    if (n & 2) plus(word<uint16_t>(p)), p += 2;
    if (n & 1) plus(last_octet(*p));
    return *this;
  }
  constexpr Sum& add(uint16_t host_order) {
    plus(native(host_order));
    return *this;
  }
  // Two words of 16 bits, the first in the upper half.
  constexpr Sum& add_two(uint32_t host_order) {
    plus(native(host_order));
    return *this;
  }
  // As it stands on the wire: without the zone that a link-local address has inside.
  constexpr Sum& add(const IpAddr& a) {
    if (a.is_v4()) return add_two(a.v4().v);
    const Ip6Addr v6 = a.v6().unzoned();
    for (size_t i = 0; i < 16; i += 4) add_two(load_be<uint32_t>(v6.b.data() + i));
    return *this;
  }
  // What was summed elsewhere, of whole words.
  constexpr Sum& add(const Sum& o) {
    plus(o.sum_);
    return *this;
  }
  // The same octets one place further on: what is behind an odd number of octets (RFC 1071 §2 (B)).
  constexpr Sum shifted() const {
    Sum s;
    s.sum_ = __builtin_bswap16(fold(sum_));
    return s;
  }

  // Folded to 16 bits, host order, not complemented.
  constexpr uint16_t folded() const { return native(fold(sum_)); }
  // What goes into the header field (host order; Field stores it in network order).
  constexpr uint16_t checksum() const { return static_cast<uint16_t>(~folded()); }

 private:
  // From here on vector registers pay.
  static constexpr size_t long_enough = 128;
  // `n` is a multiple of 64.
  static uint64_t sum_blocks(const uint8_t* p, size_t n);

  static constexpr bool little = std::endian::native == std::endian::little;
  static constexpr uint16_t native(uint16_t v) { return little ? __builtin_bswap16(v) : v; }
  static constexpr uint32_t native(uint32_t v) { return little ? __builtin_bswap32(v) : v; }
  static constexpr uint16_t last_octet(uint8_t o) { return native(static_cast<uint16_t>(o << 8)); }
  template <class T>
  static T word(const uint8_t* p) {
    T w;
    std::memcpy(&w, p, sizeof w);
    return w;
  }
  constexpr void plus(uint64_t w) {
    sum_ += w;
    sum_ += sum_ < w;
  }
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
