// SPDX-License-Identifier: Apache-2.0
// Which of several equal ways a packet takes: all packets of a flow the same one (RFC 2991, RFC 2992).
#pragma once

#include "buf/packet.h"
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

// A fragment goes by the ports that it learnt from its datagram's first one; without, by its addresses alone.
// `p` is the packet, its l2_len and l3_len set.
inline uint32_t flow_hash(uint64_t seed, const wire::Ip4& ip, const buf::Packet& p) {
  const Bytes after_header = p.l4();
  const uint64_t addresses = uint64_t{ip.src().v} << 32 | ip.dst().v;
  const auto proto = static_cast<IpProto>(ip.proto());
  uint64_t rest = ip.proto();
  if (proto != IpProto::Tcp && proto != IpProto::Udp) return flow_hash(seed, addresses, rest);
  if (ip.is_fragment())
    rest |= uint64_t{p.knows_flow() ? p.flow_ports() : 0} << 8;
  else if (after_header.size() >= 4)
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
// which all pieces of it share (RFC 6438). A fragment that learnt its ports goes like its flow's other
// packets.
inline uint32_t flow_hash(uint64_t seed, const wire::Ip6& ip, const buf::Packet& p) {
  const auto proto = static_cast<IpProto>(ip.next_header());
  const Bytes upper = ip.payload();
  uint64_t rest = ip.next_header();
  if (p.knows_flow())
    rest = upper[0] | uint64_t{p.flow_ports()} << 8;  // what the fragment header names as next
  else if ((proto == IpProto::Tcp || proto == IpProto::Udp) && upper.size() >= 4)
    rest |= uint64_t{load_be<uint32_t>(upper.data())} << 8;
  else
    rest |= uint64_t{ip.flow_label()} << 8;
  return flow_hash(seed, mixed(folded(ip.src())) ^ folded(ip.dst()), rest);
}

}  // namespace sluice::ip
