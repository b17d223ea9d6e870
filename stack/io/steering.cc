// SPDX-License-Identifier: Apache-2.0
#include "io/steering.h"

#include <algorithm>

#include "wire/field.h"

namespace sluice::io {
namespace {

constexpr size_t ip4_header = 20, ip6_header = 40;
constexpr size_t icmp_header = 8;  // RFC 792, RFC 4443: what precedes the quoted packet

constexpr bool has_ports(uint8_t proto) {
  return proto == static_cast<uint8_t>(IpProto::Tcp) || proto == static_cast<uint8_t>(IpProto::Udp);
}
// RFC 792: unreachable, source quench, redirect, time exceeded, parameter problem.
constexpr bool is_icmp_error(uint8_t type) {
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}
// Neighbour Discovery (RFC 4861) and MLD (RFC 3810) are, like ARP, of no flow: worker 0 keeps the neighbours.
constexpr bool is_of_the_link(uint8_t icmp6_type) {
  return (icmp6_type >= 130 && icmp6_type <= 137) || icmp6_type == 143;
}
// RFC 4443 §2.1: errors have the high bit clear.
constexpr bool is_icmp6_error(uint8_t type) { return type >= 1 && type < 128; }

// What the hash covers: addresses and, after them, ports.
struct Input {
  std::array<uint8_t, 36> bytes;
  size_t size = 0;

  void add(Bytes b) {
    std::copy(b.begin(), b.end(), bytes.begin() + static_cast<ptrdiff_t>(size));
    size += b.size();
  }
  Bytes view() const { return {bytes.data(), size}; }
};

// A packet we sent is quoted as it left: its source is our side. The flow is hashed as it comes in.
Input input_of(Bytes addresses, Bytes ports, bool reversed) {
  Input in;
  const size_t a = addresses.size() / 2, p = ports.size() / 2;
  if (!reversed) {
    in.add(addresses);
    in.add(ports);
    return in;
  }
  in.add(addresses.subspan(a));
  in.add(addresses.first(a));
  in.add(ports.subspan(p));
  in.add(ports.first(p));
  return in;
}

}  // namespace

Steering::Steering(const RssKey& key, size_t workers) : workers_{workers} {
  for (size_t i = 0; i < input_most; ++i) {
    std::array<uint8_t, input_most> in{};
    for (size_t v = 0; v < 256; ++v) {
      in[i] = static_cast<uint8_t>(v);
      table_[i][v] = toeplitz(key, Bytes{in}.first(i + 1));
    }
  }
}

// The hash is linear: the octets' shares, exclusive-ored.
uint32_t Steering::hash_bytes(Bytes input) const {
  uint32_t h = 0;
  for (size_t i = 0; i < input.size(); ++i) h ^= table_[i][input[i]];
  return h;
}

Steering::Hash Steering::hash_ip4(Bytes p, bool quoted) const {
  if (p.size() < ip4_header) return {};
  const size_t header = size_t{p[0]} % 16 * 4;
  const uint8_t proto = p[9];
  // More fragments, or an offset. Who quotes a first fragment quotes its ports, and means the whole flow.
  const bool fragment = (load_be<uint16_t>(p.data() + 6) & (quoted ? 0x1fff : 0x3fff)) != 0;
  const Bytes addresses = p.subspan(12, 8);
  if (header < ip4_header || fragment || p.size() < header + 4)
    return {hash_bytes(input_of(addresses, {}, quoted).view()), false, quoted, true};
  if (has_ports(proto))
    return {hash_bytes(input_of(addresses, p.subspan(header, 4), quoted).view()), !quoted, quoted, true};
  if (!quoted && proto == static_cast<uint8_t>(IpProto::Icmp) && is_icmp_error(p[header]) &&
      p.size() >= header + icmp_header)
    if (const Hash inner = hash_ip4(p.subspan(header + icmp_header), true); inner.is_ip) return inner;
  return {hash_bytes(input_of(addresses, {}, quoted).view()), false, quoted, true};
}

// Extension headers are not walked: a packet that has any is steered by its addresses.
Steering::Hash Steering::hash_ip6(Bytes p, bool quoted) const {
  if (p.size() < ip6_header) return {};
  const uint8_t next = p[6];
  // MLD stands behind a router alert: RFC 3810 §5.
  size_t at = ip6_header;
  if (!quoted && next == 0 && p.size() >= ip6_header + 8 && p[ip6_header + 1] == 0) {
    at += 8;
    if (p[ip6_header] == static_cast<uint8_t>(IpProto::Icmp6) && p.size() > at && is_of_the_link(p[at]))
      return {};
  }
  if (!quoted && next == static_cast<uint8_t>(IpProto::Icmp6) && p.size() > at && is_of_the_link(p[at]))
    return {};
  const Bytes addresses = p.subspan(8, 32);
  // As for IPv4: a quoted first fragment has the ports behind its header (RFC 8200 §4.5).
  if (quoted && next == 44 && p.size() >= ip6_header + 12 && has_ports(p[ip6_header]) &&
      (load_be<uint16_t>(p.data() + ip6_header + 2) & ~7u) == 0)
    return {hash_bytes(input_of(addresses, p.subspan(ip6_header + 8, 4), true).view()), false, true, true};
  if (has_ports(next) && p.size() >= ip6_header + 4)
    return {hash_bytes(input_of(addresses, p.subspan(ip6_header, 4), quoted).view()), !quoted, quoted, true};
  if (!quoted && next == static_cast<uint8_t>(IpProto::Icmp6) && p.size() >= ip6_header + icmp_header &&
      is_icmp6_error(p[ip6_header]))
    if (const Hash inner = hash_ip6(p.subspan(ip6_header + icmp_header), true); inner.is_ip) return inner;
  return {hash_bytes(input_of(addresses, {}, quoted).view()), false, quoted, true};
}

Steering::Hash Steering::hash(Bytes frame) const {
  const size_t at = packet_at(frame);
  if (frame.size() < at) return {};
  const Bytes packet = frame.subspan(at);
  switch (static_cast<wire::EtherType>(load_be<uint16_t>(frame.data() + at - 2))) {
    case wire::EtherType::Ip4:
      return hash_ip4(packet, false);
    case wire::EtherType::Ip6:
      return hash_ip6(packet, false);
    default:
      return {};
  }
}

size_t Steering::owner(Bytes frame) const {
  const Hash h = hash(frame);
  return h.is_ip ? owner_of_hash(h.value, workers_) : 0;
}

size_t Steering::owner_of_fragment(Bytes p, uint32_t ports) const {
  std::array<uint8_t, 4> as_sent{};
  store_be<uint32_t>(as_sent.data(), ports);
  const Bytes addresses = p[0] >> 4 == 4 ? p.subspan(12, 8) : p.subspan(8, 32);
  return owner_of_hash(hash_bytes(input_of(addresses, as_sent, false).view()), workers_);
}

size_t Steering::owner(const Tuple& t) const {
  Input in;
  const size_t skip = t.remote.is_v4() ? 12 : 0;
  in.add(t.remote.bytes().subspan(skip));
  in.add(t.local.bytes().subspan(skip));
  if (has_ports(static_cast<uint8_t>(t.proto))) {
    std::array<uint8_t, 4> ports{};
    t.remote_port.store(ports.data());
    t.local_port.store(ports.data() + 2);
    in.add(ports);
  }
  return owner_of_hash(hash_bytes(in.view()), workers_);
}

}  // namespace sluice::io
