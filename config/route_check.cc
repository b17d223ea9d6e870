// SPDX-License-Identifier: Apache-2.0
#include "config/route_check.h"

#include "config/route_file.h"

namespace sluice::config {
namespace {

bool is_v4(const IpAddr& a, int line, int column, std::vector<Complaint>& out) {
  if (a.is_v4()) return true;
  out.push_back(
      {line, column, to_text(a) + " is an IPv6 address, files of IPv6 routes come later", "an IPv4 address"});
  return false;
}

void check_way(const RouteWay& w, const Networks& networks, std::vector<Complaint>& out) {
  Fault fault;
  const auto add = [&](const Fault& f) { out.push_back({w.line, w.column, f.wrong, f.right}); };
  for (const RouteWay::Hop& hop : w.hops) {
    std::optional<size_t> port;
    if (hop.port) {
      port = networks.port_called(*hop.port, fault);
      if (!port) return add(fault);
    }
    if (!hop.via || !is_v4(*hop.via, w.line, w.column, out)) continue;
    if (const auto wrong = networks.gateway(*hop.via, port)) add(*wrong);
  }
  if (!w.source || !is_v4(*w.source, w.line, w.column, out)) return;
  if (const auto wrong = networks.source(*w.source)) add(*wrong);
}

}  // namespace

void check_route_file(const RouteFile& file, const Networks& networks, bool known,
                      std::unordered_set<uint64_t>& seen, std::vector<Complaint>& out) {
  if (known)
    for (const RouteWay& w : file.ways) check_way(w, networks, out);
  // Only these can clash with what our addresses bring along; the rest of a million need not be compared.
  std::unordered_set<uint64_t> ours;
  for (const auto& n : networks.all()) {
    ours.insert(route_key(network_of(n.prefix), n.prefix.length));
    ours.insert(route_key(n.us(), 32));
    ours.insert(route_key(broadcast_of(n.prefix), 32));
  }
  seen.reserve(seen.size() + file.routes.size());
  for (const RouteFile::Entry& e : file.routes) {
    if (out.size() >= route_file_complaints_max) return;
    const int line = static_cast<int>(e.line);
    if (!is_v4(e.to.addr, line, 1, out)) continue;
    const Ip4Addr a = e.to.addr.v4();
    const uint64_t key = route_key(a, e.to.length);
    if (ours.contains(key) || (e.to.length != 0 && not_a_station(a) != nullptr)) {
      if (auto wrong = networks.destination(e.to)) {
        out.push_back({line, 1, std::move(wrong->wrong), std::move(wrong->right)});
        continue;
      }
    }
    if (!seen.insert(key).second)
      out.push_back({line, 1, "there is a route to " + to_text(e.to) + " already", "one"});
  }
}

}  // namespace sluice::config
