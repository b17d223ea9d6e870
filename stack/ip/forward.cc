// SPDX-License-Identifier: Apache-2.0
// Forwarding: RFC 1812 §5.2.1, §5.3.1. A packet may leave by the port it came in; no redirect is sent.
#include "ip/ip.h"

namespace sluice::ip {

using buf::Packet;
using wire::Ip4;

void Ip::forward(buf::Batch& transit, Instant now, buf::Egresses& out) {
  uint32_t destinations[buf::burst_size];
  const NextHop* hops[buf::burst_size];
  for (size_t i = 0; i < transit.size(); ++i)
    destinations[i] = load_be<uint32_t>(transit[i].data() + transit[i].l2_len() + 16);
  routes_->lookup(destinations, hops, transit.size());
  for (size_t i = 0; i < transit.size(); ++i) forward_one(std::move(transit[i]), *hops[i], now, out);
  transit.clear();
}

void Ip::forward_one(Packet&& packet, const NextHop& hop, Instant now, buf::Egresses& out) {
  Packet p{std::move(packet)};
  const Ip4 ip = *Ip4::parse(p.l3());
  const auto no = [&](Counter why, Refusal refusal, uint16_t mtu = 0) {
    count_.add(why);
    refuse(std::move(p), refusal, mtu, now, out);
  };
  if (ip.ttl() <= 1) return no(Counter::ip_ttl, Refusal::TimeExceeded);
  if (hop.kind != RouteKind::Forward) [[unlikely]] {
    switch (hop.kind) {
      case RouteKind::Blackhole:
        return count_.add(Counter::ip_blackhole);
      case RouteKind::Prohibited:
        return no(Counter::ip_prohibited, Refusal::Prohibited);
      case RouteKind::Unreachable:
        return no(Counter::ip_no_route, Refusal::Host);
      case RouteKind::Local:  // a translation made it ours after input() had passed it
      case RouteKind::Broadcast:
        return count_.add(Counter::ip_directed_broadcast);
      default:
        return no(Counter::ip_no_route, Refusal::Net);
    }
  }
  const uint16_t mtu = ports_[hop.port].caps.mtu;
  if (ip.total_length() > mtu) {
    if (ip.dont_fragment()) return no(Counter::ip_too_big, Refusal::TooBig, mtu);
    return count_.add(Counter::ip_needs_fragmentation);
  }
  Ip4::decrement_ttl(p.l3().data());
  const IpAddr next = hop.gateway.is_none() ? IpAddr{ip.dst()} : hop.gateway;
  const auto ihl = static_cast<uint16_t>(p.l3_len());
  p.drop_front(static_cast<uint16_t>(p.l2_len()));
  p.headers(0, ihl, 0);
  p.reset_offloads();
  count_.add(Counter::ip_forwarded);
  out.push(buf::Egress{std::move(p), hop.port, next});
}

}  // namespace sluice::ip
