// SPDX-License-Identifier: Apache-2.0
// Which of several equal ways a packet takes: all packets of a flow the same one (RFC 2991, RFC 2992).
#pragma once

#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tuple.h"

namespace sluice::ip {

// A bijection whose every output bit depends on every input bit.
constexpr uint64_t mixed(uint64_t v) {
  v = (v ^ (v >> 32)) * 0xd6e8feb86659fd93u;
  v = (v ^ (v >> 32)) * 0xd6e8feb86659fd93u;
  return v ^ (v >> 32);
}

// `seed` differs from router to router: several in a row that hashed alike would leave ways unused.
constexpr uint32_t flow_hash(uint64_t seed, uint64_t addresses, uint64_t rest) {
  return static_cast<uint32_t>(mixed(mixed(seed ^ addresses) ^ rest));
}

// Fragments carry no ports but the first, so a datagram in pieces goes by its addresses alone.
inline uint32_t flow_hash(uint64_t seed, const wire::Ip4& ip, Bytes after_header) {
  const uint64_t addresses = uint64_t{ip.src().v} << 32 | ip.dst().v;
  const auto proto = static_cast<IpProto>(ip.proto());
  uint64_t rest = ip.proto();
  if ((proto == IpProto::Tcp || proto == IpProto::Udp) && !ip.is_fragment() && after_header.size() >= 4)
    rest |= uint64_t{load_be<uint32_t>(after_header.data())} << 8;
  return flow_hash(seed, addresses, rest);
}

constexpr uint64_t folded(const Ip6Addr& a) {
  return mixed(load_be<uint64_t>(a.b.data())) ^ load_be<uint64_t>(a.b.data() + 8);
}
constexpr uint32_t flow_hash(uint64_t seed, const Ip6Addr& dst, uint64_t rest) {
  return flow_hash(seed, folded(dst), rest);
}
// Behind extension headers ports are not looked for: such a packet goes by its addresses and flow label,
// which all pieces of it share (RFC 6438).
inline uint32_t flow_hash(uint64_t seed, const wire::Ip6& ip) {
  const auto proto = static_cast<IpProto>(ip.next_header());
  const Bytes upper = ip.payload();
  uint64_t rest = ip.next_header();
  if ((proto == IpProto::Tcp || proto == IpProto::Udp) && upper.size() >= 4)
    rest |= uint64_t{load_be<uint32_t>(upper.data())} << 8;
  else
    rest |= uint64_t{ip.flow_label()} << 8;
  return flow_hash(seed, mixed(folded(ip.src())) ^ folded(ip.dst()), rest);
}

}  // namespace sluice::ip
