// SPDX-License-Identifier: Apache-2.0
// IPv6 forwarding: RFC 8200 §3, RFC 4443 §3. A packet may leave by the port it came in; no redirect is sent.
// Of extension headers a router reads none: hop-by-hop options have not been its duty since RFC 8200 §4.3.
// Only to clamp an MSS does it look behind them.
#include "ip/flow_hash.h"
#include "ip/ip6.h"
#include "wire/mss_clamp.h"

namespace sluice::ip {

using buf::Packet;
using Header = wire::Ip6;

void Ip6::forward(buf::Batch& transit, Instant now, buf::Egresses& out) {
  if (clamps_) return forward_each<true>(transit, now, out);
  forward_each<false>(transit, now, out);
}

template <bool clamps>
void Ip6::forward_each(buf::Batch& transit, Instant now, buf::Egresses& out) {
  Ip6Addr destinations[buf::burst_size];
  const NextHop* hops[buf::burst_size];
  for (size_t i = 0; i < transit.size(); ++i)
    destinations[i] = Header::proved(transit[i].data() + transit[i].l2_len()).dst();
  routes_->lookup(destinations, hops, transit.size());
  uint64_t forwarded = 0;
  for (size_t i = 0; i < transit.size(); ++i) {
    Packet& p = transit[i];
    const Header ip = Header::proved(p.data() + p.l2_len());
    const NextHop& hop =
        hops[i]->spread == nullptr ? *hops[i] : hops[i]->of_flow(flow_hash(flow_seed_, ip, p));
    if (!passes(ip, hop)) [[unlikely]] {
      forward_hard(std::move(p), hop, now, out);
      continue;
    }
    ++forwarded;
    pass<clamps>(p, ip, hop, out);
  }
  count_.add(Counter::ip_forwarded, forwarded);
  transit.clear();
}

inline bool Ip6::passes(const Header& ip, const NextHop& hop) const {
  return ip.hop_limit() > 1 && hop.kind == RouteKind::Forward &&
         ip.total_length() <= ports_[hop.port].caps.mtu;
}

template <bool clamps>
inline void Ip6::pass(Packet& p, const Header& ip, const NextHop& hop, buf::Egresses& out) {
  Header::decrement_hop_limit(p.data() + p.l2_len());
  if constexpr (clamps) clamp(p, ip, hop.port);
  const IpAddr next = hop.gateway.is_none() ? IpAddr{ip.dst()} : hop.gateway;
  p.without_l2();
  out.push(buf::Egress{std::move(p), hop.port, next});
}

// What passes by a way that a router told of, or not at all.
void Ip6::forward_hard(Packet&& packet, NextHop hop, Instant now, buf::Egresses& out) {
  Packet p{std::move(packet)};
  const Header ip = Header::proved(p.data() + p.l2_len());
  using wire::Icmp6Type;
  using wire::Icmp6Unreachable;
  const auto no = [&](Counter why, Icmp6Type type, uint8_t code, Counter event, uint32_t word = 0) {
    count_.add(why);
    // RFC 4443 §2.4 (e): packet too big is told even about groups.
    refuse(std::move(p), Error{type, code, word, type == Icmp6Type::PacketTooBig, event}, now, out);
  };
  const auto unreachable = [&](Counter why, Icmp6Unreachable code, Counter event) {
    no(why, Icmp6Type::Unreachable, static_cast<uint8_t>(code), event);
  };
  if (ip.hop_limit() <= 1)
    return no(Counter::ip_ttl, Icmp6Type::TimeExceeded, 0, Counter::icmp_time_exceeded);
  if (hop.kind != RouteKind::Forward) {
    Counter why{};
    switch (hop.kind) {
      case RouteKind::Blackhole:
        return count_.add(Counter::ip_blackhole);
      case RouteKind::Prohibited:
        return unreachable(Counter::ip_prohibited, Icmp6Unreachable::Prohibited, Counter::icmp_prohibited);
      case RouteKind::Unreachable:
        return unreachable(Counter::ip_no_route, Icmp6Unreachable::Address, Counter::icmp_unreachable_host);
      case RouteKind::Local:  // not yet proved free
      case RouteKind::Broadcast:
        return count_.add(Counter::ip_no_route);
      default:
        if (!way_to(ip.dst(), hop, why))  // learned from a router, perhaps
          return unreachable(Counter::ip_no_route, Icmp6Unreachable::NoRoute, Counter::icmp_unreachable_net);
    }
  }
  const uint16_t mtu = ports_[hop.port].caps.mtu;
  if (ip.total_length() > mtu)
    return no(Counter::ip_too_big, Icmp6Type::PacketTooBig, 0, Counter::icmp_fragmentation_needed, mtu);
  count_.add(Counter::ip_forwarded);
  clamps_ ? pass<true>(p, ip, hop, out) : pass<false>(p, ip, hop, out);
}

// As Ip::clamp. Extension headers are walked as in packets for us, within ip.extension_*; what we would not
// take ourselves passes unclamped.
inline void Ip6::clamp(const Packet& p, const Header& ip, uint16_t to) {
  size_t at = Header::header_len;
  uint8_t proto = ip.next_header();
  if (wire::is_extension(proto)) {
    wire::Ip6Chain chain;
    if (wire::walk_extensions(p.l3(), limits_, chain) || chain.fragment.offset != 0) return;
    at = chain.upper_at;
    proto = chain.proto;
  }
  if (static_cast<IpProto>(proto) != IpProto::Tcp) return;
  const MutBytes segment = p.l3().subspan(at);
  if (!wire::Tcp::has_syn(segment)) [[likely]]
    return;
  constexpr uint16_t headers = Header::header_len + wire::Tcp::header_len;
  if (wire::clamp_mss(segment, most_mss(ports_[p.ingress()], ports_[to], headers)))
    count_.add(Counter::ip_mss_clamped);
}

}  // namespace sluice::ip
