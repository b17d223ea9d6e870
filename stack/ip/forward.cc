// SPDX-License-Identifier: Apache-2.0
// Forwarding: RFC 1812 §5.2.1, §5.3.1. A packet may leave by the port it came in; no redirect is sent.
#include "ip/flow_hash.h"
#include "ip/ip.h"

namespace sluice::ip {

using buf::Packet;
using wire::Ip4;

namespace {
constexpr Counter fine = Counter::ip_forwarded;  // no datagram dies of it
}

// Why the packet cannot pass; `fine` when it can.
inline Counter Ip::obstacle(const Ip4& ip, const NextHop& hop) const {
  if (ip.ttl() <= 1) [[unlikely]]
    return Counter::ip_ttl;
  if (hop.kind != RouteKind::Forward) [[unlikely]] {
    switch (hop.kind) {
      case RouteKind::Blackhole:
        return Counter::ip_blackhole;
      case RouteKind::Prohibited:
        return Counter::ip_prohibited;
      case RouteKind::Local:  // a translation made it ours after input() had passed it
      case RouteKind::Broadcast:
        return Counter::ip_directed_broadcast;
      default:
        return Counter::ip_no_route;
    }
  }
  if (ip.total_length() > ports_[hop.port].caps.mtu) [[unlikely]]
    return ip.dont_fragment() ? Counter::ip_too_big : Counter::ip_needs_fragmentation;
  return fine;
}

void Ip::forward(buf::Batch& transit, Instant now, buf::Egresses& out) {
  Ip4Addr destinations[buf::burst_size];
  const NextHop* hops[buf::burst_size];
  for (size_t i = 0; i < transit.size(); ++i)
    destinations[i] = Ip4::proved(transit[i].data() + transit[i].l2_len()).dst();
  routes_->lookup(destinations, hops, transit.size());
  uint64_t forwarded = 0;
  for (size_t i = 0; i < transit.size(); ++i) {
    Packet& p = transit[i];
    uint8_t* const header = p.data() + p.l2_len();
    const Ip4 ip = Ip4::proved(header);
    const NextHop& hop =
        hops[i]->spread == nullptr ? *hops[i] : hops[i]->of_flow(flow_hash(flow_seed_, ip, p.l4()));
    if (const Counter why = obstacle(ip, hop); why != fine) [[unlikely]] {
      turn_back(std::move(p), hop, why, now, out);
      continue;
    }
    Ip4::decrement_ttl(header);
    ++forwarded;
    p.without_l2();
    out.push(
        buf::Egress{std::move(p), hop.port, hop.gateway.is_none() ? IpAddr{destinations[i]} : hop.gateway});
  }
  count_.add(Counter::ip_forwarded, forwarded);
  transit.clear();
}

// Counts it, and tells the sender where that is due.
void Ip::turn_back(Packet&& packet, const NextHop& hop, Counter why, Instant now, buf::Egresses& out) {
  Packet p{std::move(packet)};
  count_.add(why);
  switch (why) {
    case Counter::ip_ttl:
      return refuse(std::move(p), Refusal::TimeExceeded, 0, now, out);
    case Counter::ip_too_big:
      return refuse(std::move(p), Refusal::TooBig, ports_[hop.port].caps.mtu, now, out);
    case Counter::ip_prohibited:
      return refuse(std::move(p), Refusal::Prohibited, 0, now, out);
    case Counter::ip_no_route:
      return refuse(std::move(p), hop.kind == RouteKind::Unreachable ? Refusal::Host : Refusal::Net, 0, now,
                    out);
    default:
      return;
  }
}

}  // namespace sluice::ip
