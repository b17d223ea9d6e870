// SPDX-License-Identifier: Apache-2.0
// IPv6 routes.
#include <algorithm>

#include "ip/route.h"

namespace sluice::ip {

namespace {

const NextHop no_route{};

// The route of the longest prefix that contains `a`; routes are sorted, longest first.
const Routes::Route6* find(const std::vector<Routes::Route6>& routes, const Ip6Addr& a) {
  for (const auto& r : routes)
    if (r.to.contains(a)) return &r;
  return nullptr;
}

}  // namespace

std::string Routes::build6(std::span<const buf::Interface> ports, std::span<const Route> statics) {
  for (size_t i = 0; i < ports.size(); ++i)
    for (const Prefix& p : ports[i].addresses) {
      if (p.addr.is_v4() || p.addr.v6().is_link_local()) continue;
      const auto port = static_cast<uint16_t>(i);
      six_.push_back({p, {RouteKind::Forward, port, {}}});
      six_.push_back({{p.addr, 128}, {RouteKind::Local, port, {}}});
    }
  std::ranges::stable_sort(six_, std::ranges::greater{}, [](const Route6& r) { return r.to.length; });
  std::vector<Route6> more;
  for (const Route& r : statics) {
    if (r.to.addr.is_v4()) continue;
    NextHop hop{r.kind, r.port, r.via};
    if (r.kind == RouteKind::Forward && !r.via.is_none() && !r.via.v6().is_link_local()) {
      const Route6* on = find(six_, r.via.v6());
      if (on == nullptr || on->hop.kind != RouteKind::Forward)
        return "route to " + to_text(r.to) + ": the gateway " + to_text(r.via) +
               " is not on a connected network";
      hop.port = on->hop.port;
    }
    more.push_back({r.to, hop});
  }
  six_.insert(six_.end(), more.begin(), more.end());
  std::ranges::stable_sort(six_, std::ranges::greater{}, [](const Route6& r) { return r.to.length; });
  return {};
}

const NextHop& Routes::lookup(const Ip6Addr& a) const {
  const Route6* r = find(six_, a);
  return r == nullptr ? no_route : r->hop;
}

}  // namespace sluice::ip
