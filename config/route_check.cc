// SPDX-License-Identifier: Apache-2.0
#include "config/route_check.h"

#include <algorithm>
#include <optional>

#include "config/route_file.h"

namespace sluice::config {
namespace {

// Of the addresses that it names; nothing when it names none, or some of each family.
std::optional<bool> is_v4(const RouteWay& w) {
  std::optional<bool> v4;
  const auto fits = [&](const std::optional<IpAddr>& a) {
    if (!a) return true;
    if (!v4) v4 = a->is_v4();
    return *v4 == a->is_v4();
  };
  const bool one = std::ranges::all_of(w.hops, fits, &RouteWay::Hop::via) && fits(w.source);
  return one ? v4 : std::nullopt;
}

void check_way(const RouteWay& w, const Networks& four, const Networks6& six, std::vector<Complaint>& out) {
  const auto add = [&](const Fault& f) { out.push_back({w.line, w.column, f.wrong, f.right}); };
  bool named = w.source.has_value();
  for (const RouteWay::Hop& hop : w.hops) {
    std::optional<size_t> port;
    if (hop.port) {
      Fault fault;
      port = four.port_called(*hop.port, fault);
      if (!port) return add(fault);
      if (const std::string* vrf = four.other_vrf(*port))
        return add(
            {"port '" + *hop.port + "' is in VRF '" + *vrf + "', and routes of a file in the default one",
             "a port of the default VRF, or the route in 'routes' with its 'vrf',"});
    }
    named |= hop.via.has_value();
    if (!hop.via) continue;
    if (const auto wrong = hop.via->is_v4() ? four.gateway(*hop.via, port) : six.gateway(*hop.via, port))
      add(*wrong);
  }
  if (named && !is_v4(w))
    return add({"the route names addresses of both families", "those of the destination's family"});
  if (!w.source) return;
  if (w.source->is_v4()) {
    if (const auto wrong = four.source(*w.source)) add(*wrong);
  } else if (!six.ours(*w.source)) {
    add({to_text(*w.source) + " is not an address of ours", "an address of a port"});
  }
}

// Destinations that deserve a closer look: special ones, and what our addresses bring along. The rest of a
// million is not compared with every network of ours.
class Suspects {
 public:
  Suspects(const Networks& four, const Networks6& six) {
    for (const auto& n : four.all()) {
      ours_.insert({network_of(n.prefix), n.prefix.length});
      ours_.insert({n.us(), 32});
      ours_.insert({broadcast_of(n.prefix), 32});
    }
    for (const auto& n : six.all()) {
      ours_.insert(network6(n.prefix));
      ours_.insert({n.prefix.addr, 128});
    }
  }
  bool contains(const Prefix& p) const { return special(p) || ours_.contains(p); }

 private:
  static bool special(const Prefix& p) {
    if (p.length == 0) return false;
    if (p.addr.is_v4()) return not_a_station(p.addr.v4()) != nullptr;
    const auto b = p.addr.bytes();
    return b[0] == 0xff || (b[0] == 0xfe && b[1] >> 6 == 2) || load_be<uint64_t>(b.data()) == 0;
  }
  Destinations ours_;
};

}  // namespace

void check_route_file(const RouteFile& file, const Networks& four, const Networks6& six, bool known,
                      Destinations& seen, std::vector<Complaint>& out) {
  if (known)
    for (const RouteWay& w : file.ways) check_way(w, four, six, out);
  std::vector<std::optional<bool>> family;
  family.reserve(file.ways.size());
  for (const RouteWay& w : file.ways) family.push_back(is_v4(w));
  const Suspects suspects{four, six};
  const auto v4 = static_cast<size_t>(
      std::ranges::count_if(file.routes, [](const RouteFile::Entry& e) { return e.to.addr.is_v4(); }));
  seen.reserve(v4, file.routes.size() - v4);
  for (const RouteFile::Entry& e : file.routes) {
    if (out.size() >= route_file_complaints_max) return;
    const int line = static_cast<int>(e.line);
    if (family[e.way] && *family[e.way] != e.to.addr.is_v4()) {
      out.push_back({line, 1, "the gateway or source is of another family than " + to_text(e.to),
                     "one of the destination's family"});
      continue;
    }
    if (suspects.contains(e.to)) {
      if (auto wrong = e.to.addr.is_v4() ? four.destination(e.to) : six.destination(e.to)) {
        out.push_back({line, 1, std::move(wrong->wrong), std::move(wrong->right)});
        continue;
      }
    }
    if (!seen.insert(e.to))
      out.push_back({line, 1, "there is a route to " + to_text(e.to) + " already", "one"});
  }
}

}  // namespace sluice::config
