// SPDX-License-Identifier: Apache-2.0
// What tables are to hold, from the interfaces and from the static routes that a user gave: and what is wrong
// with those, in words.
#include <algorithm>

#include "ip/route.h"

namespace sluice::ip {

uint32_t Routes::Wanted::number(const Way& way) {
  const auto [at, fresh] = numbers.try_emplace(way, static_cast<uint32_t>(ways.size()));
  if (fresh) ways.push_back(&at->first);
  return at->second;
}

std::string Routes::want(std::span<const Route> statics, Wanted& out) const {
  const auto four =
      static_cast<size_t>(std::ranges::count_if(statics, [](const Route& r) { return r.to.addr.is_v4(); }));
  out.four.reserve(four);
  out.six.reserve(statics.size() - four);
  std::string error = want_connected(out);
  for (size_t i = 0; i < statics.size() && error.empty(); ++i) error = want_static(statics[i], out);
  if (!error.empty()) return error;
  const size_t all = out.four.size() + out.six.size();
  if (all > options_.routes) return "more routes than the option routes allows: " + std::to_string(all);
  if (out.ways.size() > options_.next_hops)
    return "more different next hops than the option next_hops allows";
  return {};
}

std::string Routes::want_connected(Wanted& out) const {
  for (size_t i = 0; i < ports_.size(); ++i)
    for (const Prefix& p : ports_[i].addresses) {
      // Every link has fe80::/10: it is reached by a zone, never by a route.
      if (!p.addr.is_v4() && p.addr.v6().is_link_local()) continue;
      const auto port = static_cast<uint16_t>(i);
      const unsigned bits = p.addr.is_v4() ? 32 : 128;
      const uint32_t link = out.number({RouteKind::Forward, 0, true, {{{}, port}}, {}});
      const uint32_t local = out.number({RouteKind::Local, port, true, {}, {}});
      const auto add = [&](const auto& a) -> std::string {
        auto& list = out.list(a);
        const auto net = network(a, p.length);
        const auto* there = list.find(net, p.length);
        if (p.length < bits && there == nullptr)
          list.insert(net, p.length, link);
        else if (p.length < bits && there->value != link)
          return to_text(p) + ": two ports are connected to this network";
        if (list.find(a, bits) != nullptr)
          return to_text(p.addr) + ": the address is given twice, or is the broadcast address of another";
        list.insert(a, bits, local);
        return {};
      };
      if (auto wrong = p.addr.is_v4() ? add(p.addr.v4()) : add(p.addr.v6()); !wrong.empty()) return wrong;
      const Ip4Addr b = buf::directed_broadcast(p);
      if (!b.is_unspecified() && out.four.find(b, 32) == nullptr)
        out.four.insert(b, 32, out.number({RouteKind::Broadcast, port, true, {}, {}}));
    }
  return {};
}

// What is wrong with the route by itself.
std::string Routes::unfit(const Route& r) const {
  const std::string route = "route to " + to_text(r.to) + ": ";
  if (r.more.size() >= Spread::ways_most)
    return route + "at most " + std::to_string(Spread::ways_most) + " gateways";
  if (r.kind == RouteKind::Local || r.kind == RouteKind::Broadcast || r.kind == RouteKind::None)
    return route + "only the addresses of ports make routes of this kind";
  const Way way = way_of(r);
  for (const Gateway& g : way.gateways) {
    if (!g.via.is_none() && g.via.is_v4() != r.to.addr.is_v4())
      return route + "a gateway of the other family";
    if (g.by_port() && g.port >= ports_.size()) return route + "there is no such port";
  }
  if (!r.source.is_none() && r.source.is_v4() != r.to.addr.is_v4())
    return route + "a source of the other family";
  return {};
}

std::string Routes::want_static(const Route& r, Wanted& out) const {
  if (auto wrong = unfit(r); !wrong.empty()) return wrong;
  const auto add = [&](const auto& a) -> std::string {
    auto& list = out.list(a);
    const auto net = network(a, r.to.length);
    if (list.find(net, r.to.length) != nullptr)
      return "route to " + to_text(r.to) + ": there is one already, static or connected";
    list.insert(net, r.to.length, out.number(way_of(r)));
    return {};
  };
  return r.to.addr.is_v4() ? add(r.to.addr.v4()) : add(r.to.addr.v6());
}

Routes::Way Routes::way_of(const Route& r) {
  Way w{.kind = r.kind, .gateways = {}, .source = r.source, .transport = r.transport};
  if (r.kind != RouteKind::Forward) return w;
  w.gateways = r.more;
  w.gateways.push_back({r.via, r.port});
  for (Gateway& g : w.gateways)
    if (!g.by_port()) g.port = 0;
  std::ranges::sort(w.gateways);
  w.gateways.erase(std::ranges::unique(w.gateways).begin(), w.gateways.end());
  return w;
}

}  // namespace sluice::ip
