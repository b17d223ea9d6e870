// SPDX-License-Identifier: Apache-2.0
#include "app/plan.h"

#include <algorithm>

#include "config/difference.h"
#include "tcp/route_hints.h"

namespace sluice::app {
namespace {

ip::RouteKind route_kind(config::RouteKind k) {
  switch (k) {
    case config::RouteKind::Blackhole:
      return ip::RouteKind::Blackhole;
    case config::RouteKind::Unreachable:
      return ip::RouteKind::Unreachable;
    case config::RouteKind::Prohibit:
      return ip::RouteKind::Prohibited;
    case config::RouteKind::Forward:
      break;
  }
  return ip::RouteKind::Forward;
}

ip::Gateway gateway(const PortTable& ports, const std::optional<IpAddr>& via,
                    const std::optional<std::string>& port) {
  ip::Gateway g{via.value_or(IpAddr{})};
  if (port) g.port = ports.number(*port);
  return g;
}

ip::Route route_of(config::RouteKind kind, const std::vector<ip::Gateway>& gateways, const IpAddr& source) {
  ip::Route route{.kind = route_kind(kind), .source = source};
  if (gateways.empty()) return route;
  route.via = gateways[0].via;
  route.port = gateways[0].port;
  route.more.assign(gateways.begin() + 1, gateways.end());
  return route;
}

buf::ReversePath reverse_path(config::ReversePath r) {
  if (r == config::ReversePath::Strict) return buf::ReversePath::Strict;
  return r == config::ReversePath::Loose ? buf::ReversePath::Loose : buf::ReversePath::Off;
}

buf::MssClamp mss_clamp(const config::MssClamp& c) {
  return {.to_mtu = c.kind == config::MssClamp::Kind::Mtu, .most = c.number};
}

// Behind a bad line nothing may be left to the device: it would put checksums right again after the damage.
buf::PortCaps without_offloads(const buf::PortCaps& caps) {
  return {.mac = caps.mac, .mtu = caps.mtu, .tx_multi_segment = caps.tx_multi_segment};
}

// What a port says of us as a router, as link knows it.
link::Advertise advertise(const config::Advertise& a) {
  const auto seconds = [](Duration d) { return static_cast<uint32_t>(d.ns / 1'000'000'000); };
  link::Advertise out{.enabled = a.enabled,
                      .head = {.managed = a.managed,
                               .other = a.other,
                               .lifetime = static_cast<uint16_t>(seconds(a.lifetime))},
                      .rdnss_lifetime = 3 * seconds(a.interval),  // RFC 8106 §5.1
                      .mtu = a.mtu,
                      .most_interval = a.interval};
  for (const Prefix& p : a.prefixes)
    out.prefixes.push_back({.prefix = p.addr.v6(),
                            .length = p.length,
                            .valid = seconds(a.valid),
                            .preferred = seconds(a.preferred)});
  for (const IpAddr& server : a.rdnss) out.rdnss.push_back(server.v6());
  return out;
}

// The kernel's interface below an af_packet port must be wider for frames with two tags, and its MTU is set
// once, at start.
bool wants_room_for_two_tags(const config::Config& c, const config::Port& device) {
  return device.device.wire() == io::DeviceKind::af_packet &&
         std::ranges::any_of(
             c.ports, [&](const config::Port& p) { return p.parent == device.name && p.outer_vlan != 0; });
}

}  // namespace

std::vector<ip::Route> static_routes(const config::Config& c, const PortTable& ports, uint16_t vrf) {
  std::vector<ip::Route> routes;
  for (const config::Route& r : c.routes) {
    if (r.vrf != ports.vrfs()[vrf]) continue;
    std::vector<ip::Gateway> gateways;
    if (r.via || r.port) gateways.push_back(gateway(ports, r.via, r.port));
    for (const IpAddr& via : r.more) gateways.push_back({via});
    routes.push_back(route_of(r.kind, gateways, r.source.value_or(IpAddr{})));
    routes.back().to = r.to;
    routes.back().transport = tcp::RouteHints{r.congestion, r.mss}.packed();
  }
  if (vrf != 0) return routes;  // those of files are the default VRF's
  for (const config::RouteFile& file : c.file_routes) {
    std::vector<ip::Route> ways;
    for (const config::RouteWay& w : file.ways) {
      std::vector<ip::Gateway> gateways;
      for (const config::RouteWay::Hop& h : w.hops) gateways.push_back(gateway(ports, h.via, h.port));
      ways.push_back(route_of(w.kind, gateways, w.source.value_or(IpAddr{})));
    }
    routes.reserve(routes.size() + file.routes.size());
    for (const config::RouteFile::Entry& e : file.routes) {
      routes.push_back(ways[e.way]);
      routes.back().to = e.to;
    }
  }
  return routes;
}

std::vector<buf::Interface> interfaces(const config::Config& c, const PortTable& ports,
                                       const std::vector<buf::PortCaps>& devices) {
  const auto six = [](const Prefix& a) { return !a.addr.is_v4(); };
  std::vector<buf::Interface> all;
  for (size_t i = 0; i < ports.size(); ++i) {
    const size_t device = ports[i].device;
    buf::Interface& interface = all.emplace_back(buf::Interface{.caps = devices[device], .addresses = {}});
    interface.vrf = ports[i].vrf;
    if (const config::Port* d = ports.find(c, device); d != nullptr && d->impair.any())
      interface.caps = without_offloads(interface.caps);
    const config::Port* p = ports.find(c, i);
    if (p == nullptr) continue;
    interface.caps.mtu = p->mtu;
    interface.addresses = p->addresses;
    interface.reverse_path = reverse_path(p->reverse_path);
    interface.mss_clamp = mss_clamp(p->mss_clamp);
    interface.ip6 = p->slaac || p->advertise.enabled || std::ranges::any_of(p->addresses, six);
    interface.slaac = p->slaac;
    for (const config::Neighbour& n : p->neighbours) interface.neighbours.push_back({n.address, n.mac});
  }
  return all;
}

std::vector<link::Advertise> advertisements(const config::Config& c, const PortTable& ports) {
  std::vector<link::Advertise> all(ports.size());
  for (size_t i = 0; i < ports.size(); ++i)
    if (const config::Port* p = ports.find(c, i)) all[i] = advertise(p->advertise);
  return all;
}

std::vector<std::string> need_a_restart(const config::Config& from, const config::Config& to) {
  // What may change says the same in both. Routes, of which there may be a million, are not copied for that.
  const auto fixed = [](const config::Config& c) {
    config::Config f;
    static_cast<config::Settings&>(f) = c;
    std::erase_if(f.ports, [](const config::Port& p) { return p.parent.has_value(); });
    for (config::Port& p : f.ports) {
      p.addresses.clear();
      p.neighbours.clear();
      p.reverse_path = {};
      p.mss_clamp = {};
      p.slaac = false;
      p.advertise = {};
    }
    for (config::DnsService& s : f.dns) {
      s.zones.clear();
      s.options = {};
    }
    return f;
  };
  std::vector<std::string> keys = config::differences(fixed(from), fixed(to));
  for (const config::Port& p : to.ports)
    if (wants_room_for_two_tags(to, p) && !std::ranges::any_of(from.ports, [&](const config::Port& was) {
          return was.name == p.name && wants_room_for_two_tags(from, was);
        }))
      keys.push_back("ports[" + p.name + "] with its first 'outer_vlan'");
  return keys;
}

}  // namespace sluice::app
