// SPDX-License-Identifier: Apache-2.0
// IPv4 reception: RFC 1122 §3.2.1, RFC 1812 §5.2.2 and §5.3.7 in that order, then who gets the datagram.
#include <algorithm>
#include <array>

#include "base/prefetch.h"
#include "ip/ip.h"

namespace sluice::ip {

using buf::Packet;
using wire::Ip4;

namespace {
// Stands for "nothing wrong": no datagram dies of it.
constexpr Counter fine = Counter::ip_local;

// RFC 1122 §3.2.1.3, RFC 1812 §5.3.7: sources that no host may have.
bool martian(Ip4Addr a) {
  return a.is_this_network() || a.is_loopback() || a.is_multicast() || a.is_reserved();
}

DatagramId id_of(const Ip4& ip, uint16_t vrf) { return {ip.src(), ip.dst(), ip.id(), ip.proto(), vrf}; }

// RFC 1858 §3.2.2, RFC 3128: a TCP header whose flags stand in another fragment than its ports is a trick.
bool hides_header(const Ip4& ip) {
  return static_cast<IpProto>(ip.proto()) == IpProto::Tcp &&
         (ip.fragment_offset() == 8 || (ip.fragment_offset() == 0 && ip.payload().size() < 16));
}

// First octets under which not every address may pass: martians, and 169, where link-local addresses lie.
constexpr auto special_octet = [] {
  std::array<bool, 256> special{};
  for (size_t i = 0; i < 256; ++i) special[i] = i == 0 || i == 127 || i == 169 || i >= 224;
  return special;
}();
}  // namespace

Ip::Ip(const Options& options, std::span<const buf::Interface> ports, std::shared_ptr<const Routes> routes,
       Fragments& fragments, Counters& count, Rng& rng, uint16_t vrf)
    : options_{options},
      vrf_{vrf},
      ports_{ports.begin(), ports.end()},
      clamps_{any_clamps_mss(ports)},
      addresses_{ports},
      routes_{std::move(routes)},
      fragments_{fragments},
      count_{count},
      rng_{rng},
      errors_{options.icmp_error_rate, options.icmp_error_burst},
      flow_seed_{rng()} {}

void Ip::input(buf::Batch& frames, In& out) {
  if (frames.empty()) return;
  const uint16_t port = frames[0].ingress();
  uint64_t local = 0;
  const size_t passed = out.passing.size();
  buf::for_each_ahead(frames, [&](Packet& p) {
    buf::Batch* to = nullptr;
    const Counter why = verdict(p, out, to);
    if (why != fine) [[unlikely]]
      return count_.add(why);
    if (to != &out.transit) {
      ++local;
      // Who gets it reads it to its end; the first line alone was asked for so far.
      if (p.size() > 64) prefetch(p.data() + 64);
    }
    to->push(std::move(p));
  });
  count_.add(Counter::ip_local, local - (out.passing.size() - passed));
  frames.clear();
  if (ports_[port].reverse_path != buf::ReversePath::Off) [[unlikely]]
    for (buf::Batch* b :
         {&out.transit, &out.passing, &out.udp, &out.tcp, &out.icmp, &out.unknown_protocol, &out.fragments})
      check_sources(*b, port);
}

// RFC 3704 §2.2 (strict), §2.4 (loose; the default route counts).
void Ip::check_sources(buf::Batch& b, uint16_t port) const {
  Ip4Addr sources[buf::burst_size];
  const NextHop* hops[buf::burst_size];
  for (size_t i = 0; i < b.size(); ++i) sources[i] = Ip4::proved(b[i].data() + b[i].l2_len()).src();
  routes_->lookup(sources, hops, b.size());
  const bool strict = ports_[port].reverse_path == buf::ReversePath::Strict;
  const auto by_port = [port](const NextHop& hop) {
    return hop.port == port ||
           (hop.spread != nullptr &&
            std::ranges::any_of(hop.spread->ways, [port](const NextHop& way) { return way.port == port; }));
  };
  buf::Batch good;
  for (size_t i = 0; i < b.size(); ++i) {
    if (hops[i]->kind == RouteKind::Forward && (!strict || by_port(*hops[i])))
      good.push(std::move(b[i]));
    else
      count_.add(Counter::ip_reverse_path);
  }
  b = std::move(good);
}

inline Counter Ip::verdict(Packet& p, In& out, buf::Batch*& to) const {
  const Bytes l3 = p.l3();
  const auto parsed = Ip4::parse_header(l3);
  if (!parsed) [[unlikely]]
    return parsed.why();
  const Ip4 ip = *parsed;
  if (ip.total_length() > l3.size() && p.contiguous()) [[unlikely]]
    return Counter::ip_truncated;
  const auto by_device = p.rx_ip_checksum();
  if (by_device == buf::RxChecksum::Bad || (by_device == buf::RxChecksum::Unknown && !ip.good_checksum()))
      [[unlikely]]
    return Counter::ip_checksum;
  const size_t header_len = ip.header_len();
  const bool group_frame = (p.data()[0] & 1) != 0;
  // What nearly all datagrams are to a router: from one stranger to another. None of the checks of judge()
  // would stop them.
  if (options_.forward && header_len == Ip4::min_header_len && !group_frame && stranger(ip.src()) &&
      stranger(ip.dst())) [[likely]]
    to = &through(ip, p, out);
  else if (const Counter why = judge(ip, p, out, to); why != fine)
    return why;
  const auto length = static_cast<uint32_t>(p.l2_len() + ip.total_length());
  if (!p.contiguous()) [[unlikely]] {
    if (p.size() < length) return Counter::ip_truncated;
    if (to != &out.tcp || !p.trim(length)) return Counter::link_scattered;
  } else if (p.size() != length) {
    p.truncate(length);  // Ethernet padding
  }
  p.l3_len(static_cast<uint16_t>(header_len));
  return fine;
}

inline buf::Batch& Ip::through(const Ip4& ip, const Packet& p, In& out) const {
  if (!ip.is_fragment()) [[likely]]
    return out.transit;
  return p.knows_flow() || !options_.follow_fragments ? out.transit : out.passing;
}

// An address in which is nothing special, and that is none of ours.
inline bool Ip::stranger(Ip4Addr a) const {
  return !special_octet[a.v >> 24] && addresses_.owner(a) == Owner::Other;
}

Counter Ip::judge(const Ip4& ip, const Packet& p, In& out, buf::Batch*& to) const {
  if (ip.header_len() != Ip4::min_header_len) {
    const auto options = wire::Ip4Options::parse(ip.options());
    if (!options) return options.why();
    // RFC 7126 §4.3, §4.4: never followed.
    if (options->source_route) return Counter::ip_source_route;
  }
  if (martian(ip.src())) return Counter::ip_martian_source;
  const Owner sender = addresses_.owner(ip.src());
  if (sender == Owner::Us) return Counter::ip_spoofed;
  if (sender == Owner::Broadcast) return Counter::ip_martian_source;
  return classify(ip, p, out, to);
}

// The weak host model: an address of ours is ours on every port (RFC 1122 §3.3.4.2).
Counter Ip::classify(const Ip4& ip, const Packet& p, In& out, buf::Batch*& to) const {
  const Ip4Addr dst = ip.dst();
  const Owner owner = addresses_.owner(dst);
  const bool group_frame = (p.data()[0] & 1) != 0;
  if (owner == Owner::Other) {
    if (dst.is_multicast()) return Counter::ip_multicast;
    if (dst.is_this_network() || dst.is_loopback() || dst.is_reserved())
      return Counter::ip_martian_destination;
    if (group_frame) return Counter::ip_link_broadcast;  // RFC 1812 §5.3.4
    if (!options_.forward) return Counter::ip_not_forwarding;
    if (dst.is_link_local() || ip.src().is_link_local()) return Counter::ip_link_local;  // RFC 3927 §2.7
    to = &through(ip, p, out);
    return fine;
  }
  if (owner == Owner::Us && group_frame) return Counter::ip_link_broadcast;  // RFC 1122 §3.3.6
  // A network's broadcast is only good on that network: RFC 2644.
  if (owner == Owner::Broadcast && !dst.is_limited_broadcast() && routes_->lookup(dst).port != p.ingress())
    return Counter::ip_directed_broadcast;
  if (ip.is_fragment()) {
    to = &out.fragments;
    return fine;
  }
  return local(ip, owner, out, to);
}

Counter Ip::local(const Ip4& ip, Owner owner, In& out, buf::Batch*& to) const {
  switch (static_cast<IpProto>(ip.proto())) {
    case IpProto::Udp:
      to = &out.udp;
      return fine;
    case IpProto::Icmp:
      to = &out.icmp;
      return fine;
    case IpProto::Tcp:
      if (owner == Owner::Broadcast) return Counter::ip_broadcast_tcp;  // RFC 1122 §4.2.3.10
      to = &out.tcp;
      return fine;
    default:
      if (owner == Owner::Broadcast) return Counter::ip_broadcast_tcp;
      to = &out.unknown_protocol;
      return fine;
  }
}

void Ip::reassemble(buf::Batch& in, Instant now, buf::Batch& whole) {
  for (Packet& p : in) {
    const Ip4 ip = *Ip4::parse(p.l3());
    const size_t size = ip.payload().size();
    if (size == 0 || (ip.more_fragments() && size % 8 != 0)) {
      count_.add(Counter::ip_fragment_bad);
      continue;
    }
    const bool tcp = static_cast<IpProto>(ip.proto()) == IpProto::Tcp;
    if (hides_header(ip)) {
      count_.add(Counter::ip_fragment_tiny);
      continue;
    }
    const auto from = static_cast<uint16_t>(p.l2_len() + ip.header_len());
    const Reassembly::Fragment f{.id = id_of(ip, vrf_),
                                 .at = static_cast<uint32_t>(ip.fragment_offset()),
                                 .size = static_cast<uint16_t>(size),
                                 .from = from,
                                 .more = ip.more_fragments(),
                                 .ecn = static_cast<uint8_t>(ip.tos() & 3),
                                 .header = from,
                                 .small = tcp};
    if (Packet d = fragments_.reassembly.add(std::move(p), f, now)) whole.push(std::move(d));
  }
  in.clear();
}

void Ip::deliver(buf::Batch& whole, In& out) {
  for (Packet& p : whole) {
    const Ip4 ip = *Ip4::parse(p.l3());
    p.l3_len(static_cast<uint16_t>(ip.header_len()));
    buf::Batch* to = nullptr;
    if (const Counter why = local(ip, addresses_.owner(ip.dst()), out, to); why != fine)
      count_.add(why);
    else
      to->push(std::move(p));
  }
  whole.clear();
}

void Ip::follow(buf::Batch& in, Instant now) {
  for (Packet& p : in) {
    const Ip4 ip = *Ip4::parse(p.l3());
    const auto proto = static_cast<IpProto>(ip.proto());
    const bool first = ip.fragment_offset() == 0;
    if (hides_header(ip) || (first && ip.payload().size() < 8))
      count_.add(Counter::ip_fragment_tiny);
    else if (proto != IpProto::Tcp && proto != IpProto::Udp)
      fragments_.following.pass(std::move(p));
    else
      fragments_.following.add(std::move(p),
                               {.id = id_of(ip, vrf_),
                                .first = first,
                                .ports = first ? load_be<uint32_t>(ip.payload().data()) : 0},
                               now);
  }
  in.clear();
}

}  // namespace sluice::ip
