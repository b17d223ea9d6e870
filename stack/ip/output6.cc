// SPDX-License-Identifier: Apache-2.0
// The way out for what the transports made: route, source address (RFC 6724 as far as one route leaves a
// choice), header, checksums.
#include <algorithm>

#include "ip/flow_hash.h"
#include "ip/ip6.h"
#include "ip/seal.h"

namespace sluice::ip {

using buf::Packet;
using Header = wire::Ip6;

namespace {
constexpr Counter fine = Counter::ip_sent;  // no packet dies of it
}

bool Ip6::way_to(const Ip6Addr& dst, NextHop& out, Counter& why) const {
  if (dst.is_link_local()) {
    why = Counter::ip_no_route;
    out = {RouteKind::Forward, dst.has_zone() ? dst.zone() : uint16_t{0}, {}};
    return dst.has_zone() && out.port < ports_.size();
  }
  out = routes_->lookup(dst);
  switch (out.kind) {
    case RouteKind::Forward:
      return true;
    case RouteKind::Local:
      why = Counter::ip_to_self;
      return false;
    case RouteKind::Blackhole:
      why = Counter::ip_blackhole;
      return false;
    case RouteKind::Prohibited:
      why = Counter::ip_prohibited;
      return false;
    case RouteKind::None:
      break;
    default:
      why = Counter::ip_no_route;
      return false;
  }
  for (const auto& n : addresses_.networks)
    if (Prefix{n.addr, n.length}.contains(dst)) {
      out = {RouteKind::Forward, n.port, {}};
      return true;
    }
  if (!addresses_.routers.empty()) {
    const auto& r = addresses_.routers.front();
    out = {RouteKind::Forward, r.port, IpAddr{r.addr}};
    return true;
  }
  why = Counter::ip_no_route;
  return false;
}

// What the route prefers, else by RFC 6724 §5: of the destination's scope (rule 2), on the way out (rule 5),
// sharing its network (rule 8).
Ip6Addr Ip6::source_for(const NextHop& hop, const Ip6Addr& dst) const {
  if (!hop.source.is_none() && !hop.source.is_v4() && addresses_.ours(hop.source.v6()))
    return hop.source.v6();
  const uint16_t port = hop.port;
  Ip6Addr best;
  int most = -1;
  for (const Addresses6::Own& o : addresses_.own()) {
    const bool local = o.addr.is_link_local();
    if (local != dst.is_link_local()) continue;
    if (local && o.port != port) continue;
    const int score = (o.port == port ? 2 : 0) + (Prefix{o.addr, o.length}.contains(dst.unzoned()) ? 1 : 0);
    if (score <= most) continue;
    most = score;
    best = o.addr.zoned(o.port);
  }
  return best;
}

Result<Path> Ip6::path(const Ip6Addr& dst) const {
  Counter why{};
  NextHop hop;
  if (!way_to(dst, hop, why)) return why;
  const buf::PortCaps& caps = ports_[hop.port].caps;
  const Ip6Addr source = source_for(hop, dst);
  if (source.is_unspecified()) return Counter::ip_no_source;
  return Path{hop.port, caps.mtu, source, caps.tcp_segmentation6, caps.tx_multi_segment, hop.transport};
}

void Ip6::output(buf::Transmits& in, Instant now, buf::Egresses& out) {
  for (buf::Transmit& t : in) count_.add(output_one(t, now, out));  // ip_sent, or the reason
  in.clear();
}

Counter Ip6::output_one(buf::Transmit& t, Instant now, buf::Egresses& out) {
  const Ip6Addr dst = t.dst.v6();
  Counter why{};
  NextHop hop;
  if (!way_to(dst, hop, why)) return why;
  if (hop.spread != nullptr) {
    const uint64_t ports = t.packet.bytes().size() < 4 ? 0 : load_be<uint32_t>(t.packet.data());
    hop = hop.of_flow(flow_hash(flow_seed_, dst, ports << 8 | static_cast<uint8_t>(t.proto)));
  }
  const buf::PortCaps& caps = ports_[hop.port].caps;
  Ip6Addr src = t.src.is_none() || t.src.is_v4() ? Ip6Addr{} : t.src.v6();
  if (src.is_unspecified() || !addresses_.ours(src)) {
    // A connection whose address is no longer ours has no other.
    if (t.proto == IpProto::Tcp && !src.is_unspecified()) return Counter::ip_no_source;
    src = source_for(hop, dst);
  }
  if (src.is_unspecified()) return Counter::ip_no_source;
  // RFC 4291 §2.5.6: what has a link-local source stays on its link.
  if (src.has_zone() && src.zone() != hop.port) return Counter::ip_link_local;
  t.src = src;
  Packet& p = t.packet;
  const uint32_t total = p.size() + static_cast<uint32_t>(Header::header_len);
  const bool segmentation = t.segment_size != 0 && caps.tcp_segmentation6;
  if (total > (segmentation ? 65535u : caps.mtu) || p.large()) [[unlikely]]
    return output_fragmented(t, hop, now, out);
  if (!p.contiguous() && !caps.tx_multi_segment && !p.linearize()) return Counter::ip_scattered;

  const auto l4_len = static_cast<uint8_t>(p.l4_len());
  p.headers(0, static_cast<uint16_t>(Header::header_len), l4_len);
  p.reset_offloads();
  seal_transport(t, caps, segmentation);
  uint8_t* header = p.prepend(static_cast<uint16_t>(Header::header_len));
  if (header == nullptr) return Counter::ip_no_headroom;
  Header::emit(header, {.traffic_class = t.tos,
                        .payload_length = static_cast<uint16_t>(total - Header::header_len),
                        .next_header = static_cast<uint8_t>(t.proto),
                        .hop_limit = t.ttl,
                        .src = src.unzoned(),
                        .dst = dst.unzoned()});
  out.push(buf::Egress{std::move(p), hop.port, hop.gateway.is_none() ? IpAddr{dst.unzoned()} : hop.gateway});
  return fine;
}

// Ordinary packets with copies of it; a large one that fits the MTU becomes one, without a fragment header.
// Nothing is kept of paths' MTUs, so pieces are as long as every link carries (RFC 8200 §5).
Counter Ip6::output_fragmented(buf::Transmit& t, const NextHop& hop, Instant now, buf::Egresses& out) {
  const Packet& whole = t.packet;
  const uint32_t all = whole.size();
  if (t.proto == IpProto::Tcp || all > 65535 - wire::Ip6Fragment::len) return Counter::ip_too_big;
  seal_transport(t, {}, false);
  const size_t mtu = ports_[hop.port].caps.mtu;
  const bool cut = all + Header::header_len > mtu;
  const size_t header = Header::header_len + (cut ? wire::Ip6Fragment::len : 0);
  const size_t most = cut ? std::min<size_t>(mtu, Header::min_mtu) : mtu;
  const uint32_t id = cut ? fragments_.ids.next(t.src, t.dst, vrf_) : 0;
  if (cut) count_.add(Counter::ip_fragmented);
  const IpAddr next = hop.gateway.is_none() ? IpAddr{t.dst.v6().unzoned()} : hop.gateway;
  Counter fate = fine;
  for (uint32_t at = 0, size = 0; at < all; at += size) {
    const bool last = all - at <= most - header;
    size = last ? all - at : piece_octets(most, header);
    Packet piece = fragments_.piece(whole, at, size, header);
    if (!piece) {
      fate = Counter::ip_no_piece;
      break;
    }
    const auto proto = static_cast<uint8_t>(t.proto);
    Header::emit(piece.data(), {.traffic_class = t.tos,
                                .payload_length = static_cast<uint16_t>(header - Header::header_len + size),
                                .next_header = cut ? static_cast<uint8_t>(wire::Ip6Next::Fragment) : proto,
                                .hop_limit = t.ttl,
                                .src = t.src.v6().unzoned(),
                                .dst = t.dst.v6().unzoned()});
    if (cut)
      wire::Ip6Fragment::emit(piece.data() + Header::header_len, proto, static_cast<uint16_t>(at), !last, id);
    fragments_.push({std::move(piece), hop.port, next}, now, out);
  }
  fragments_.pushed(now, out);
  return fate;
}

}  // namespace sluice::ip
