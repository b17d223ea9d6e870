// SPDX-License-Identifier: Apache-2.0
// What every frame that leaves us must be, whatever came in: whole, its lengths agreeing, its checksums
// right.
#pragma once

#include <algorithm>
#include <span>

#include "buf/interface.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ip4.h"
#include "wire/ip6_ext.h"
#include "wire/tcp.h"
#include "wire/tcp_options.h"
#include "wire/tuple.h"
#include "wire/udp.h"

namespace sluice::test {

// What is wrong with a datagram's content; null: nothing.
inline const char* fault_of_transport(const wire::Ip4& ip) {
  const Bytes l4 = ip.payload();
  const auto sum = [&] {
    return wire::pseudo_header(ip.src(), ip.dst(), ip.proto(), static_cast<uint32_t>(l4.size()))
        .add(l4)
        .folded();
  };
  switch (static_cast<IpProto>(ip.proto())) {
    case IpProto::Icmp:
      return wire::Icmp4::parse(l4) ? nullptr : "an ICMP message that is cut or has a wrong checksum";
    case IpProto::Udp: {
      const auto udp = wire::Udp::parse(l4);
      if (!udp || udp->whole().size() != l4.size()) return "a UDP length that is not the datagram's";
      if (udp->checksum() == 0) return "no UDP checksum";
      return sum() == 0xffff ? nullptr : "a wrong UDP checksum";
    }
    case IpProto::Tcp: {
      const auto tcp = wire::Tcp::parse(l4);
      if (!tcp) return "a TCP header that is cut";
      if (sum() != 0xffff) return "a wrong TCP checksum";
      return wire::TcpOptions::parse(tcp->options()) ? nullptr : "broken TCP options";
    }
    default:
      return "a protocol that we do not speak";
  }
}

// What is wrong with a piece of a datagram; `size`: octets of its own payload.
inline const char* fault_of_fragment(size_t offset, size_t size, bool more) {
  if (size == 0) return "a fragment without octets";
  if (more && size % 8 != 0) return "a fragment that is no multiple of 8";
  return offset + size > 65535 ? "a fragment beyond a datagram's end" : nullptr;
}

// The same of IPv6.
inline const char* fault_of_transport(const wire::Ip6& ip) {
  wire::Ip6Chain chain;
  if (wire::walk_extensions(ip.whole(), {}, chain)) return "broken extension headers";
  if (const auto& f = chain.fragment; chain.fragmented)
    return f.atomic()
               ? "an atomic fragment"
               : fault_of_fragment(f.offset, ip.total_length() - f.at - wire::Ip6Fragment::len, f.more);
  const Bytes l4 = ip.whole().subspan(chain.upper_at);
  const auto sum =
      wire::pseudo_header(ip.src(), ip.dst(), chain.proto, static_cast<uint32_t>(l4.size())).add(l4).folded();
  if (sum != 0xffff) return "a wrong checksum over IPv6";
  switch (static_cast<IpProto>(chain.proto)) {
    case IpProto::Icmp6:
      return wire::Icmp6::parse(l4, ip.src(), ip.dst()) ? nullptr : "an ICMPv6 message that is cut";
    case IpProto::Udp: {
      const auto udp = wire::Udp::parse(l4);
      return udp && udp->whole().size() == l4.size() ? nullptr : "a UDP length that is not the packet's";
    }
    case IpProto::Tcp: {
      const auto tcp = wire::Tcp::parse(l4);
      return tcp && wire::TcpOptions::parse(tcp->options()) ? nullptr : "a broken TCP header";
    }
    default:
      return "a protocol that we do not speak";
  }
}

inline const char* fault_of_ip6(Bytes rest, size_t port, std::span<const buf::Interface> ports) {
  const auto ip = wire::Ip6::parse(rest);
  if (!ip) return "a broken IPv6 header";
  if (ip->total_length() != rest.size()) return "an IPv6 length that is not the frame's";
  if (ip->total_length() > ports[port].caps.mtu) return "more than the MTU";
  if (ip->hop_limit() == 0) return "no hops left";
  if (ip->src().has_zone() || ip->dst().has_zone()) return "a zone on the wire";
  const bool ours =
      ip->src().is_link_local() || ip->src().is_unspecified() ||
      std::ranges::any_of(ports, [&](const buf::Interface& i) {
        return std::ranges::any_of(i.addresses, [&](const Prefix& p) { return p.addr == IpAddr{ip->src()}; });
      });
  return ours ? fault_of_transport(*ip) : nullptr;
}

// What is wrong with a frame sent by port `port`; null: nothing.
inline const char* fault_of(Bytes frame, size_t port, std::span<const buf::Interface> ports) {
  const auto eth = wire::Ethernet::parse(frame);
  if (!eth) return "no Ethernet header";
  if (eth->src() != ports[port].caps.mac) return "another station's source";
  if (eth->dst() == Mac{}) return "no destination";
  const Bytes rest = frame.subspan(wire::Ethernet::header_len);
  if (eth->type() == wire::EtherType::Arp)
    return rest.size() >= wire::Arp::len && wire::Arp::parse(rest) ? nullptr : "a broken ARP packet";
  if (eth->type() == wire::EtherType::Ip6) return fault_of_ip6(rest, port, ports);
  if (eth->type() != wire::EtherType::Ip4) return "an EtherType that we do not speak";
  const auto ip = wire::Ip4::parse(rest);
  if (!ip) return "a broken IP header";
  if (!ip->good_checksum()) return "a wrong IP header checksum";
  if (ip->total_length() != rest.size()) return "an IP length that is not the frame's";
  if (ip->total_length() > ports[port].caps.mtu) return "more than the MTU";
  if (ip->ttl() == 0) return "no time to live";
  const bool ours = std::ranges::any_of(ports, [&](const buf::Interface& i) {
    return std::ranges::any_of(i.addresses, [&](const Prefix& p) { return p.addr == IpAddr{ip->src()}; });
  });
  if (ours && ip->is_fragment()) {
    if (ip->dont_fragment()) return "a fragment that must not be one";
    return fault_of_fragment(ip->fragment_offset(), ip->payload().size(), ip->more_fragments());
  }
  return ours ? fault_of_transport(*ip) : nullptr;  // what passes through is its sender's affair
}

}  // namespace sluice::test
