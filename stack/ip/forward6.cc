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
  Ip6Addr destinations[buf::burst_size];
  const NextHop* hops[buf::burst_size];
  for (size_t i = 0; i < transit.size(); ++i)
    destinations[i] = Ip6Addr::load(transit[i].data() + transit[i].l2_len() + Header::dst_at);
  routes_->lookup(destinations, hops, transit.size());
  for (size_t i = 0; i < transit.size(); ++i) {
    const NextHop* hop = hops[i];
    if (hop->spread != nullptr)
      hop = &hop->of_flow(flow_hash(flow_seed_, *Header::parse(transit[i].l3()), transit[i]));
    forward_one(std::move(transit[i]), *hop, now, out);
  }
  transit.clear();
}

void Ip6::forward_one(Packet&& packet, const NextHop& found, Instant now, buf::Egresses& out) {
  Packet p{std::move(packet)};
  const Header ip = *Header::parse(p.l3());
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
  NextHop hop = found;
  if (hop.kind != RouteKind::Forward) [[unlikely]] {
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
  Header::decrement_hop_limit(p.l3().data());
  if (clamps_) [[unlikely]]
    clamp(p, ip, hop.port);
  const IpAddr next = hop.gateway.is_none() ? IpAddr{ip.dst()} : hop.gateway;
  p.drop_front(static_cast<uint16_t>(p.l2_len()));
  p.headers(0, static_cast<uint16_t>(Header::header_len), 0);
  p.reset_offloads();
  count_.add(Counter::ip_forwarded);
  out.push(buf::Egress{std::move(p), hop.port, next});
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
