// SPDX-License-Identifier: Apache-2.0
// Addresses of either family as numbers, to count from one to another and to draw some at random.
#pragma once

#include "base/bytes.h"
#include "wire/ip_addr.h"

namespace sluice::load {

using Number = unsigned __int128;

constexpr Number number_of(const IpAddr& a) {
  const uint8_t* p = a.bytes().data();
  return Number{load_be<uint64_t>(p)} << 64 | load_be<uint64_t>(p + 8);
}
constexpr IpAddr address_of(Number n) {
  Ip6Addr a;
  store_be(a.b.data(), static_cast<uint64_t>(n >> 64));
  store_be(a.b.data() + 8, static_cast<uint64_t>(n));
  return a;
}
// How many bits of its addresses a prefix leaves open: 0 to 128.
constexpr unsigned host_bits(const Prefix& p) { return (p.addr.is_v4() ? 32u : 128u) - p.length; }
// Those bits, all set.
constexpr Number hosts_of(const Prefix& p) {
  const unsigned bits = host_bits(p);
  return bits == 128 ? ~Number{0} : (Number{1} << bits) - 1;
}

static_assert(address_of(number_of(Ip4Addr::of(198, 18, 0, 255)) + 1) == IpAddr{Ip4Addr::of(198, 18, 1, 0)});
static_assert(hosts_of({Ip4Addr::of(198, 18, 0, 1), 24}) == 255);

}  // namespace sluice::load
