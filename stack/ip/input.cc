// SPDX-License-Identifier: Apache-2.0
// IPv4 reception: RFC 1122 §3.2.1, RFC 1812 §5.2.2 and §5.3.7 in that order, then who gets the datagram.
#include <algorithm>
#include <array>

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

// First octets under which not every address may pass: martians, and 169, where link-local addresses lie.
constexpr auto special_octet = [] {
  std::array<bool, 256> special{};
  for (size_t i = 0; i < 256; ++i) special[i] = i == 0 || i == 127 || i == 169 || i >= 224;
  return special;
}();
}  // namespace

Ip::Ip(const Options& options, std::span<const buf::Interface> ports, std::shared_ptr<const Routes> routes,
       Counters& count, Rng& rng)
    : options_{options},
      ports_{ports.begin(), ports.end()},
      addresses_{ports},
      routes_{std::move(routes)},
      count_{count},
      rng_{rng},
      errors_{options.icmp_error_rate, options.icmp_error_burst},
      flow_seed_{rng()} {}

void Ip::input(buf::Batch& frames, In& out) {
  if (frames.empty()) return;
  const uint16_t port = frames[0].ingress();
  uint64_t local = 0;
  buf::for_each_ahead(frames, [&](Packet& p) {
    buf::Batch* to = nullptr;
    const Counter why = verdict(p, out, to);
    if (why != fine) [[unlikely]]
      return count_.add(why);
    local += to != &out.transit;
    to->push(std::move(p));
  });
  count_.add(Counter::ip_local, local);
  frames.clear();
  if (ports_[port].reverse_path != buf::ReversePath::Off) [[unlikely]]
    for (buf::Batch* b : {&out.transit, &out.udp, &out.tcp, &out.icmp, &out.unknown_protocol})
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
  const auto parsed = p.contiguous() ? Ip4::parse(p.l3()) : Ip4::parse_header(p.l3());
  if (!parsed) [[unlikely]]
    return parsed.why();
  const Ip4& ip = *parsed;
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
    to = &out.transit;
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
    to = &out.transit;
    return fine;
  }
  if (owner == Owner::Us && group_frame) return Counter::ip_link_broadcast;  // RFC 1122 §3.3.6
  // A network's broadcast is only good on that network: RFC 2644.
  if (owner == Owner::Broadcast && !dst.is_limited_broadcast() && routes_->lookup(dst).port != p.ingress())
    return Counter::ip_directed_broadcast;
  if (ip.is_fragment())
    return ip.fragment_offset() == 0 ? Counter::ip_fragment_first : Counter::ip_fragment_later;
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

}  // namespace sluice::ip
