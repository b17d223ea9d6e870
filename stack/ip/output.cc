// SPDX-License-Identifier: Apache-2.0
// The way out for what the transports made: route, source address (RFC 1122 §3.3.4.3), header, checksums.
#include <algorithm>

#include "ip/flow_hash.h"
#include "ip/ip.h"
#include "ip/seal.h"

namespace sluice::ip {

using buf::Packet;
using wire::Ip4;

namespace {

constexpr Counter fine = Counter::ip_sent;  // no datagram dies of it

}  // namespace

// The next hop, or null and why there is none.
const NextHop* Ip::way_to(Ip4Addr dst, Counter& why) const {
  const NextHop& hop = routes_->lookup(dst);
  switch (hop.kind) {
    case RouteKind::Forward:
    case RouteKind::Broadcast:
      return &hop;
    case RouteKind::Local:
      why = Counter::ip_to_self;
      return nullptr;
    case RouteKind::Blackhole:
      why = Counter::ip_blackhole;
      return nullptr;
    case RouteKind::Prohibited:
      why = Counter::ip_prohibited;
      return nullptr;
    default:
      why = Counter::ip_no_route;
      return nullptr;
  }
}

// What the route prefers, else the port's address on the next hop's network, else its first; unspecified when
// it has none.
Ip4Addr Ip::source_for(const NextHop& hop, Ip4Addr dst) const {
  if (hop.source.is_v4() && addresses_.ours(hop.source.v4())) return hop.source.v4();
  const Ip4Addr next_hop = hop.gateway.is_none() ? dst : hop.gateway.v4();
  Ip4Addr first;
  for (const Prefix& p : ports_[hop.port].addresses) {
    if (!p.addr.is_v4()) continue;
    if (p.contains(next_hop)) return p.addr.v4();
    if (first.is_unspecified()) first = p.addr.v4();
  }
  return first;
}

Result<Path> Ip::path(const IpAddr& dst) const {
  if (!dst.is_v4()) return Counter::ip_no_route;
  Counter why{};
  const NextHop* hop = way_to(dst.v4(), why);
  if (hop == nullptr) return why;
  const buf::PortCaps& caps = ports_[hop->port].caps;
  const Ip4Addr source = source_for(*hop, dst.v4());
  if (source.is_unspecified()) return Counter::ip_no_source;
  return Path{hop->port, caps.mtu, source, caps.tcp_segmentation, caps.tx_multi_segment, hop->transport};
}

void Ip::output(buf::Transmits& in, Instant now, buf::Egresses& out) {
  for (buf::Transmit& t : in) {
    const Counter why = output_one(t, now, out);
    count_.add(why);  // ip_sent, or the reason
  }
  in.clear();
}

Counter Ip::output_one(buf::Transmit& t, Instant now, buf::Egresses& out) {
  if (!t.dst.is_v4()) return Counter::ip_no_route;
  const Ip4Addr dst = t.dst.v4();
  Counter why{};
  const NextHop* hop = way_to(dst, why);
  if (hop == nullptr) return why;
  if (hop->spread != nullptr) {
    const uint64_t ports = t.packet.bytes().size() < 4 ? 0 : load_be<uint32_t>(t.packet.data());
    hop = &hop->of_flow(flow_hash(flow_seed_, dst.v, ports << 8 | static_cast<uint8_t>(t.proto)));
  }
  const buf::PortCaps& caps = ports_[hop->port].caps;
  const IpAddr next = hop->gateway.is_none() ? t.dst : hop->gateway;
  // A datagram that came to a broadcast address is answered from a real one (RFC 1122 §4.1.3.5). A connection
  // whose address is no longer ours has no other.
  if (!t.src.is_v4() || !addresses_.ours(t.src.v4())) {
    if (t.proto == IpProto::Tcp && !t.src.is_none()) return Counter::ip_no_source;
    const Ip4Addr source = source_for(*hop, dst);
    if (source.is_unspecified()) return Counter::ip_no_source;
    t.src = source;
  }
  Packet& p = t.packet;
  const uint32_t total = p.size() + static_cast<uint32_t>(Ip4::min_header_len);
  // The route may have changed to a port that cannot since the transport asked for its path.
  const bool segmentation = t.segment_size != 0 && caps.tcp_segmentation;
  if (total > (segmentation ? 65535u : caps.mtu) || p.large()) [[unlikely]]
    return output_fragmented(t, hop->port, next, now, out);
  if (!p.contiguous() && !caps.tx_multi_segment && !p.linearize()) return Counter::ip_scattered;

  const auto l4_len = static_cast<uint8_t>(p.l4_len());
  p.headers(0, static_cast<uint16_t>(Ip4::min_header_len), l4_len);
  p.reset_offloads();
  seal_transport(t, caps, segmentation);
  uint8_t* header = p.prepend(Ip4::min_header_len);
  if (header == nullptr) return Counter::ip_no_headroom;
  const bool whole = t.proto == IpProto::Tcp;  // RFC 1191: TCP discovers the path's MTU
  Ip4::emit(header,
            {.tos = t.tos,
             .total_length = static_cast<uint16_t>(total),
             .id = whole ? uint16_t{0} : static_cast<uint16_t>(rng_()),
             .dont_fragment = whole,
             .ttl = t.ttl,
             .proto = static_cast<uint8_t>(t.proto),
             .src = t.src.v4(),
             .dst = dst},
            !caps.tx_ip_checksum);
  if (caps.tx_ip_checksum) p.offload_ip4_checksum();
  out.push(buf::Egress{std::move(p), hop->port, next});
  return fine;
}

// Ordinary packets with copies of it; a large one that fits the MTU becomes one. TCP finds a size that fits.
Counter Ip::output_fragmented(buf::Transmit& t, uint16_t port, const IpAddr& next, Instant now,
                              buf::Egresses& out) {
  const Packet& whole = t.packet;
  const uint32_t all = whole.size();
  if (t.proto == IpProto::Tcp || all + Ip4::min_header_len > 65535) return Counter::ip_too_big;
  seal_transport(t, {}, false);
  const size_t mtu = ports_[port].caps.mtu;
  const auto id = static_cast<uint16_t>(fragments_.ids.next(t.src, t.dst, vrf_));
  if (all > mtu - Ip4::min_header_len) count_.add(Counter::ip_fragmented);
  Counter fate = fine;
  for (uint32_t at = 0, size = 0; at < all; at += size) {
    const bool last = all - at <= mtu - Ip4::min_header_len;
    size = last ? all - at : piece_octets(mtu, Ip4::min_header_len);
    Packet piece = fragments_.piece(whole, at, size, Ip4::min_header_len);
    if (!piece) {
      fate = Counter::ip_no_piece;
      break;
    }
    Ip4::emit(piece.data(),
              {.tos = t.tos,
               .id = id,
               .ttl = t.ttl,
               .proto = static_cast<uint8_t>(t.proto),
               .src = t.src.v4(),
               .dst = t.dst.v4()},
              false);
    Ip4::as_fragment(piece.data(), Ip4::min_header_len + size, at, !last);
    fragments_.push({std::move(piece), port, next}, now, out);
  }
  fragments_.pushed(now, out);
  return fate;
}

}  // namespace sluice::ip
