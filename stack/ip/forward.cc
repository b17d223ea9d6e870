// SPDX-License-Identifier: Apache-2.0
// Forwarding: RFC 1812 §5.2.1, §5.3.1. A packet may leave by the port it came in; no redirect is sent.
#include <algorithm>
#include <array>

#include "ip/flow_hash.h"
#include "ip/ip.h"
#include "wire/mss_clamp.h"

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
    return ip.dont_fragment() ? Counter::ip_too_big : Counter::ip_fragmented;
  return fine;
}

void Ip::forward(buf::Batch& transit, Instant now, buf::Egresses& out) {
  if (clamps_) return forward_each<true>(transit, now, out);
  forward_each<false>(transit, now, out);
}

// `clamps` is asked once for a burst: even its test would cost each packet three instructions.
template <bool clamps>
void Ip::forward_each(buf::Batch& transit, Instant now, buf::Egresses& out) {
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
        hops[i]->spread == nullptr ? *hops[i] : hops[i]->of_flow(flow_hash(flow_seed_, ip, p));
    if (const Counter why = obstacle(ip, hop); why != fine) [[unlikely]] {
      turn_back(std::move(p), hop, why, now, out);
      continue;
    }
    Ip4::decrement_ttl(header);
    if constexpr (clamps) clamp(p, ip, hop.port);
    ++forwarded;
    p.without_l2();
    out.push(
        buf::Egress{std::move(p), hop.port, hop.gateway.is_none() ? IpAddr{destinations[i]} : hop.gateway});
  }
  count_.add(Counter::ip_forwarded, forwarded);
  transit.clear();
}

// The first fragment is clamped if it has the whole TCP header, the others have none of it. What passes is in
// one piece (input() sees to it), and its checksum is a whole one: where we forward, no device leaves it to
// be finished (io/device.cc).
inline void Ip::clamp(const Packet& p, const Ip4& ip, uint16_t to) {
  if (static_cast<IpProto>(ip.proto()) != IpProto::Tcp || ip.fragment_offset() != 0) return;
  const MutBytes segment = p.l4();
  if (!wire::Tcp::has_syn(segment)) [[likely]]
    return;
  constexpr uint16_t headers = Ip4::min_header_len + wire::Tcp::header_len;
  if (wire::clamp_mss(segment, most_mss(ports_[p.ingress()], ports_[to], headers)))
    count_.add(Counter::ip_mss_clamped);
}

// Counts it, and tells the sender where that is due.
void Ip::turn_back(Packet&& packet, const NextHop& hop, Counter why, Instant now, buf::Egresses& out) {
  Packet p{std::move(packet)};
  if (why == Counter::ip_fragmented) return fragment_transit(std::move(p), hop, now, out);
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

// RFC 791 §3.2, RFC 1812 §4.2.2.7: as few pieces as may be; a fragment's pieces say of the whole what it
// said.
void Ip::fragment_transit(Packet&& packet, const NextHop& hop, Instant now, buf::Egresses& out) {
  Packet p{std::move(packet)};
  uint8_t* const first_header = p.data() + p.l2_len();
  const Ip4 ip = Ip4::proved(first_header);
  if (ip.fragment_offset() + ip.payload().size() > 65535) return count_.add(Counter::ip_fragment_too_long);
  Ip4::decrement_ttl(first_header);
  if (clamps_) clamp(p, ip, hop.port);
  std::array<uint8_t, Ip4::min_header_len + wire::Ip4Options::most> later_header;
  std::copy_n(first_header, Ip4::min_header_len, later_header.begin());
  const size_t later_len =
      Ip4::min_header_len + wire::Ip4Options::copied(ip.options(), later_header.data() + Ip4::min_header_len);
  later_header[0] = static_cast<uint8_t>(0x40 | later_len / 4);

  const IpAddr next = hop.gateway.is_none() ? IpAddr{ip.dst()} : hop.gateway;
  const size_t mtu = ports_[hop.port].caps.mtu;
  const auto payload_at = static_cast<uint32_t>(p.l2_len() + ip.header_len());
  const auto all = static_cast<uint32_t>(ip.payload().size());
  count_.add(Counter::ip_forwarded);
  count_.add(Counter::ip_fragmented);
  for (uint32_t at = 0, size = 0; at < all; at += size) {
    const Bytes header = at == 0 ? ip.header() : Bytes{later_header}.first(later_len);
    const bool last = all - at <= mtu - header.size();
    size = last ? all - at : piece_octets(mtu, header.size());
    Packet piece = fragments_.piece(p, payload_at + at, size, header.size());
    if (!piece) {
      count_.add(Counter::ip_no_piece);
      break;
    }
    std::copy(header.begin(), header.end(), piece.data());
    Ip4::as_fragment(piece.data(), header.size() + size, ip.fragment_offset() + at,
                     !last || ip.more_fragments());
    fragments_.push({std::move(piece), hop.port, next}, now, out);
  }
  fragments_.pushed(now, out);
}

}  // namespace sluice::ip
