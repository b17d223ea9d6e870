// SPDX-License-Identifier: Apache-2.0
// IPv6 reception: RFC 8200 §3 and §4, RFC 4291 §2.5 to §2.7, then who gets the packet.
#include <algorithm>

#include "base/prefetch.h"
#include "ip/ip6.h"

namespace sluice::ip {

using buf::Packet;
using Header = wire::Ip6;

namespace {

// Stands for "nothing wrong": no packet dies of it.
constexpr Counter fine = Counter::ip_local;

// Sources that no host may have: RFC 4291 §2.5.3, §2.7, and an IPv4 address in disguise (§2.5.5.2).
bool martian(const Ip6Addr& a) { return a.is_multicast() || a.is_loopback() || a.is_v4_mapped(); }

// Under these first octets not every address may pass: the unspecified one, loopback and IPv4's in disguise;
// link-local ones; groups.
constexpr bool special_octet(uint8_t first) { return first == 0 || first >= 0xfe; }

// RFC 7112 §3: octets of an upper layer's header that the first fragment has.
size_t least_header(uint8_t proto) {
  switch (static_cast<IpProto>(proto)) {
    case IpProto::Tcp:
      return 20;
    case IpProto::Udp:
    case IpProto::Icmp6:
      return 8;
    default:
      return static_cast<wire::Ip6Next>(proto) == wire::Ip6Next::NoNext ? 0 : 1;
  }
}

}  // namespace

Ip6::Ip6(const Options& options, std::span<const buf::Interface> ports, std::shared_ptr<const Routes> routes,
         Fragments& fragments, Counters& count, Rng& rng, uint16_t vrf)
    : options_{options},
      vrf_{vrf},
      ports_{ports.begin(), ports.end()},
      clamps_{any_clamps_mss(ports)},
      routes_{std::move(routes)},
      fragments_{fragments},
      count_{count},
      rng_{rng},
      errors_{options.icmp_error_rate, options.icmp_error_burst},
      limits_{.headers = options.extension_headers,
              .octets = options.extension_octets,
              .options = options.extension_options},
      flow_seed_{rng()} {}

void Ip6::change(std::span<const buf::Interface> ports) {
  const auto has = [](const buf::Interface& i, const Prefix& p) {
    return std::ranges::find(i.addresses, p) != i.addresses.end();
  };
  addresses_.drop_if([&](const Addresses6::Own& o) {
    const Prefix p{o.addr, o.length};
    return !ports[o.port].ip6 || (has(ports_[o.port], p) && !has(ports[o.port], p));
  });
  const auto gone = [&](const Addresses6::Learned& l) { return !ports[l.port].slaac; };
  std::erase_if(addresses_.networks, gone);
  std::erase_if(addresses_.routers, gone);
  ports_.assign(ports.begin(), ports.end());
  clamps_ = any_clamps_mss(ports);
}

void Ip6::input(buf::Batch& frames, In& transports, In6& out) {
  uint64_t local = 0;
  buf::for_each_ahead(frames, [&](Packet& p) {
    buf::Batch* to = nullptr;
    const Counter why = verdict(p, transports, out, to);
    if (why != fine) [[unlikely]]
      return count_.add(why);
    if (to != &out.transit && to != &out.passing) {
      ++local;
      if (p.size() > 64) prefetch(p.data() + 64);  // as in Ip::input
    }
    to->push(std::move(p));
  });
  count_.add(Counter::ip_local, local);
  frames.clear();
}

// RFC 3704 §2.2 (strict), §2.4 (loose); link-local sources are neighbours, and have no route.
bool Ip6::source_fits(const Ip6Addr& src, uint16_t port) const {
  if (src.is_unspecified() || src.is_link_local()) return true;
  const NextHop& hop = routes_->lookup(src);
  const bool strict = ports_[port].reverse_path == buf::ReversePath::Strict;
  const auto by_port = [port](const NextHop& way) { return way.port == port; };
  if (hop.kind == RouteKind::Forward)
    return !strict || (hop.spread == nullptr ? by_port(hop) : std::ranges::any_of(hop.spread->ways, by_port));
  const auto learned = [&](const Addresses6::Learned& n) {
    return (!strict || n.port == port) && (n.length == 128 || Prefix{n.addr, n.length}.contains(src));
  };
  return hop.kind == RouteKind::None && (std::ranges::any_of(addresses_.networks, learned) ||
                                         std::ranges::any_of(addresses_.routers, learned));
}

inline Counter Ip6::verdict(Packet& p, In& in, In6& out, buf::Batch*& to) {
  const bool contiguous = p.contiguous();
  const auto parsed = contiguous ? Header::parse(p.l3()) : Header::parse_header(p.l3());
  if (!parsed) [[unlikely]]
    return parsed.why();
  const Header ip = *parsed;
  const uint16_t port = p.ingress();
  const bool group_frame = (p.data()[0] & 1) != 0;
  // What nearly all packets are to a router: from one stranger to another. None of the checks of judge()
  // would stop them.
  if (!(options_.forward && contiguous && !group_frame && stranger(ip.src(), port) &&
        stranger(ip.dst(), port) && ports_[port].reverse_path == buf::ReversePath::Off)) [[unlikely]]
    return judge(p, ip, in, out, to);
  to = &through(ip, p, out);
  if (const auto length = static_cast<uint32_t>(p.l2_len() + ip.total_length()); p.size() != length)
    p.truncate(length);  // Ethernet padding
  p.l3_len(static_cast<uint16_t>(Header::header_len));
  return fine;
}

inline buf::Batch& Ip6::through(const Header& ip, const Packet& p, In6& out) const {
  if (ip.next_header() != static_cast<uint8_t>(wire::Ip6Next::Fragment)) [[likely]]
    return out.transit;
  return p.knows_flow() || !options_.follow_fragments ? out.transit : out.passing;
}

// An address in which is nothing special, and that is none of ours.
inline bool Ip6::stranger(const Ip6Addr& a, uint16_t port) const {
  return !special_octet(a.b[0]) && !addresses_.ours(a, port);
}

Counter Ip6::judge(Packet& p, const Header& ip, In& in, In6& out, buf::Batch*& to) {
  const Ip6Addr src = ip.src(), dst = ip.dst();
  const uint16_t port = p.ingress();
  if (martian(src)) return Counter::ip_martian_source;
  // RFC 4291 §2.5.6: the bits behind fe80 are zero; inside they are the zone.
  if (src.has_zone() || dst.has_zone()) return Counter::ip_martian_source;
  if (!src.is_unspecified() && addresses_.ours(src, port)) return Counter::ip_spoofed;
  if (ports_[port].reverse_path != buf::ReversePath::Off && !source_fits(src, port)) [[unlikely]]
    return Counter::ip_martian_source;
  if (dst.is_loopback() || dst.is_unspecified() || dst.is_v4_mapped()) return Counter::ip_martian_destination;
  const auto length = static_cast<uint32_t>(p.l2_len() + ip.total_length());
  if (!p.contiguous()) [[unlikely]] {
    if (p.size() < length) return Counter::ip6_truncated;
    if (static_cast<IpProto>(ip.next_header()) != IpProto::Tcp || !addresses_.ours(dst, port) ||
        !p.trim(length))
      return Counter::link_scattered;
  } else {
    p.truncate(length);
  }
  p.headers(static_cast<uint8_t>(p.l2_len()), static_cast<uint16_t>(Header::header_len), 0);
  if (dst.is_multicast()) {
    // RFC 4291 §2.7: scope 0 is reserved, 1 never crosses a wire. Link knows the groups; what it let through
    // of other scopes is nobody's here.
    if (dst.multicast_scope() != 2) return Counter::ip_multicast;
    return local(p, ip, in, out, to);
  }
  const bool group_frame = (p.data()[0] & 1) != 0;
  if (addresses_.ours(dst, port)) return group_frame ? Counter::ip_link_broadcast : local(p, ip, in, out, to);
  if (group_frame) return Counter::ip_link_broadcast;
  if (!options_.forward) return Counter::ip_not_forwarding;
  // RFC 4291 §2.5.2, §2.5.6.
  if (dst.is_link_local() || src.is_link_local()) return Counter::ip_link_local;
  if (src.is_unspecified()) return Counter::ip_martian_source;
  to = &through(ip, p, out);
  return fine;
}

Counter Ip6::local(Packet& p, const Header& ip, In& in, In6& out, buf::Batch*& to, bool rebuilt) {
  if (!p.contiguous()) [[unlikely]] {  // verdict() took TCP alone
    if (ip.src().is_unspecified()) return Counter::ip_broadcast_tcp;
    to = &in.tcp;
    return fine;
  }
  wire::Ip6Chain chain;
  auto problem = wire::walk_extensions(p.l3(), limits_, chain);
  if (problem) {
    // RFC 7112 §5: all headers stand in the first fragment.
    if (chain.fragmented && chain.fragment.more && problem->why == Counter::ip6_ext_truncated)
      problem = wire::Ip6Problem{.why = Counter::ip_fragment_tiny,
                                 .tell = true,
                                 .code = static_cast<uint8_t>(wire::Icmp6Problem::FirstFragment)};
    if (problem->tell)
      out.problems.push(Problem6{std::move(p), problem->tell_of_group, problem->code, problem->pointer});
    return problem->why;
  }
  if (chain.fragmented && !chain.fragment.atomic()) {
    to = &out.fragments;
    return fine;
  }
  p.headers(static_cast<uint8_t>(p.l2_len()), chain.upper_at, 0);
  const Bytes payload = ip.whole().subspan(chain.upper_at);
  const bool group = ip.dst().is_multicast();
  switch (static_cast<IpProto>(chain.proto)) {
    case IpProto::Icmp6:
      return classify_icmp(p, ip, payload, rebuilt || chain.fragmented, out, to);
    case IpProto::Udp:
      if (ip.src().is_unspecified() || group) return Counter::ip_multicast;
      to = &in.udp;
      return fine;
    case IpProto::Tcp:
      if (ip.src().is_unspecified() || group) return Counter::ip_broadcast_tcp;
      to = &in.tcp;
      return fine;
    default:
      break;
  }
  if (static_cast<wire::Ip6Next>(chain.proto) == wire::Ip6Next::NoNext) return Counter::ip6_no_next;
  // RFC 8200 §4: an unrecognized next header, and where it was named.
  out.problems.push(
      Problem6{std::move(p), false, static_cast<uint8_t>(wire::Icmp6Problem::NextHeader), chain.proto_at});
  return Counter::ip_protocol;
}

// RFC 4443 §2.4, and what makes a message one of this link: RFC 4861 §6.1, §7.1; RFC 3810 §5.
Counter Ip6::classify_icmp(Packet& p, const Header& ip, Bytes message, bool fragmented, In6& out,
                           buf::Batch*& to) const {
  const auto icmp = wire::Icmp6::parse(message, ip.src(), ip.dst());
  if (!icmp) return icmp.why();
  switch (icmp->type()) {
    case wire::Icmp6Type::RouterSolicitation:
    case wire::Icmp6Type::RouterAdvertisement:
    case wire::Icmp6Type::NeighbourSolicitation:
    case wire::Icmp6Type::NeighbourAdvertisement:
    case wire::Icmp6Type::Redirect:
      // RFC 6980 §5: never in fragments.
      if (ip.hop_limit() != 255 || icmp->code() != 0 || fragmented) return Counter::nd_invalid;
      to = &out.nd;
      return fine;
    case wire::Icmp6Type::MldQuery:
      if (ip.hop_limit() != 1 || !ip.src().is_link_local()) return Counter::nd_invalid;
      to = &out.nd;
      return fine;
    case wire::Icmp6Type::MldReport:
    case wire::Icmp6Type::MldDone:
    case wire::Icmp6Type::Mld2Report:
      return Counter::icmp6_unhandled;  // we route no groups
    default:
      to = &out.icmp;
      return fine;
  }
}

void Ip6::problem(Packet&& p, wire::Icmp6Problem code, size_t pointer, Counter why, In6& out) {
  count_.add(why);
  out.problems.push(
      Problem6{std::move(p), false, static_cast<uint8_t>(code), static_cast<uint16_t>(pointer)});
}

// RFC 8200 §4.5, in its order.
void Ip6::reassemble(buf::Batch& in, Instant now, buf::Batch& whole, In6& out) {
  for (Packet& p : in) {
    const Header ip = *Header::parse(p.l3());
    wire::Ip6Chain chain;
    (void)wire::walk_extensions(p.l3(), limits_, chain);  // input() has seen that it is good
    const wire::Ip6Fragment& f = chain.fragment;
    const size_t from = f.at + wire::Ip6Fragment::len, size = ip.total_length() - from;
    if (f.more && size % 8 != 0) {
      problem(std::move(p), wire::Icmp6Problem::Header, Header::payload_length_at, Counter::ip_fragment_bad,
              out);
      continue;
    }
    if (size == 0) {
      count_.add(Counter::ip_fragment_bad);
      continue;
    }
    if (f.offset + size > 65535) {
      problem(std::move(p), wire::Icmp6Problem::Header, f.at + 2u, Counter::ip_fragment_too_long, out);
      continue;
    }
    if (f.offset == 0 && ip.total_length() - chain.upper_at < least_header(chain.proto)) {
      problem(std::move(p), wire::Icmp6Problem::FirstFragment, 0, Counter::ip_fragment_tiny, out);
      continue;
    }
    const uint16_t port = p.ingress();
    const size_t l2 = p.l2_len();
    const Reassembly::Fragment fragment{
        .id = {ip.src().zoned(port), ip.dst().zoned(port), f.id, 0, vrf_},
        .at = f.offset,
        .size = static_cast<uint16_t>(size),
        .from = static_cast<uint16_t>(l2 + from),
        .more = f.more,
        .ecn = static_cast<uint8_t>(ip.traffic_class() & 3),
        .header =
            static_cast<uint16_t>(l2 + f.at),  // the fragment header goes, and who named it names another
        .patch_at = static_cast<uint16_t>(l2 + f.next_at),
        .patch = f.next_header,
        .small = static_cast<IpProto>(chain.proto) == IpProto::Tcp};
    if (Packet d = fragments_.reassembly.add(std::move(p), fragment, now)) whole.push(std::move(d));
  }
  in.clear();
}

void Ip6::deliver(buf::Batch& whole, In& in, In6& out) {
  for (Packet& p : whole) {
    buf::Batch* to = nullptr;
    if (const Counter why = local(p, *Header::parse(p.l3()), in, out, to, true); why != fine)
      count_.add(why);
    else
      to->push(std::move(p));
  }
  whole.clear();
}

void Ip6::follow(buf::Batch& in, Instant now) {
  for (Packet& p : in) {
    const Header ip = *Header::parse(p.l3());
    const Bytes b = ip.payload();  // the fragment header, as input() has seen
    constexpr size_t len = wire::Ip6Fragment::len;
    if (b.size() < len) {
      count_.add(Counter::ip6_ext_truncated);
      continue;
    }
    const auto where = load_be<uint16_t>(b.data() + 2);
    const bool first = (where & ~7u) == 0;
    const auto proto = static_cast<IpProto>(b[0]);
    const bool ports = proto == IpProto::Tcp || proto == IpProto::Udp;
    if (ports && first && b.size() < len + least_header(b[0])) {
      count_.add(Counter::ip_fragment_tiny);
      continue;
    }
    if (!ports || (where & ~6u) == 0) {  // an atomic fragment is followed by none
      if (ports) p.flow_ports(load_be<uint32_t>(b.data() + len));
      fragments_.following.pass(std::move(p));
      continue;
    }
    const VirtualReassembly::Fragment f{.id = {ip.src(), ip.dst(), load_be<uint32_t>(b.data() + 4), 0, vrf_},
                                        .first = first,
                                        .ports = first ? load_be<uint32_t>(b.data() + len) : 0};
    fragments_.following.add(std::move(p), f, now);
  }
  in.clear();
}

}  // namespace sluice::ip
