// SPDX-License-Identifier: Apache-2.0
// A table of two ports that changes.
#pragma once

#include "ip/route.h"
#include "support/frames.h"

namespace sluice::ip {

class RouteChange : public ::testing::Test {
 protected:
  RouteChange() {
    test::start_eal();
    routes = Routes::build(ports, {}, options, error);
    check(routes != nullptr, "connected routes are good");
  }
  static Prefix prefix(const char* text) { return *parse_prefix(text); }
  static IpAddr ip(const char* text) { return *parse_ip(text); }
  std::string gateway(const char* address) const {
    const NextHop& hop = routes->lookup(ip(address).v4());
    if (hop.kind != RouteKind::Forward) return hop.kind == RouteKind::None ? "none" : "refused";
    return hop.gateway.is_none() ? "port " + std::to_string(hop.port) : to_text(hop.gateway);
  }

  Options options;
  std::vector<buf::Interface> ports = test::two_ports();
  std::string error;
  std::shared_ptr<Routes> routes;
};

}  // namespace sluice::ip
