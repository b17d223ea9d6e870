// SPDX-License-Identifier: Apache-2.0
#include "ip/route.h"

#include <rte_errno.h>
#include <rte_fib.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <unordered_map>

#include "base/check.h"
#include "buf/packet.h"

namespace sluice::ip {
namespace {

constexpr unsigned max_recursion = 8;  // routes that lead to a gateway that needs a route

uint64_t key_of(Ip4Addr network, unsigned length) { return static_cast<uint64_t>(network.v) << 8 | length; }

// The routes as they are being collected: network and length -> next hop, or a static route to be resolved.
class Draft {
 public:
  struct Entry {
    Prefix to;
    NextHop hop;
    bool resolved = true;
  };

  // False when there is one for the prefix already.
  bool add(const Prefix& to, const NextHop& hop, bool resolved) {
    const Ip4Addr network{to.addr.v4().v & Ip4Addr::mask(to.length).v};
    lengths_.insert(to.length);
    return entries_.try_emplace(key_of(network, to.length), Entry{{network, to.length}, hop, resolved})
        .second;
  }
  const Entry* find(Ip4Addr a) const {
    for (auto l = lengths_.rbegin(); l != lengths_.rend(); ++l) {
      const auto at = entries_.find(key_of({a.v & Ip4Addr::mask(*l).v}, *l));
      if (at != entries_.end()) return &at->second;
    }
    return nullptr;
  }
  // The port and the neighbour by which the gateway is reached; false: it is not.
  bool resolve(NextHop& hop) const {
    for (unsigned i = 0; i < max_recursion; ++i) {
      const Entry* e = find(hop.gateway.v4());
      if (e == nullptr || e->hop.kind != RouteKind::Forward) return false;
      if (e->resolved) {
        hop.port = e->hop.port;
        if (!e->hop.gateway.is_none()) hop.gateway = e->hop.gateway;
        return true;
      }
      hop.gateway = e->hop.gateway;
    }
    return false;
  }
  std::unordered_map<uint64_t, Entry>& entries() { return entries_; }

 private:
  std::unordered_map<uint64_t, Entry> entries_;
  std::set<uint8_t> lengths_;
};

bool add_connected(Draft& draft, std::span<const buf::Interface> ports, std::string& error) {
  for (size_t i = 0; i < ports.size(); ++i)
    for (const Prefix& p : ports[i].addresses) {
      if (!p.addr.is_v4()) continue;
      const auto port = static_cast<uint16_t>(i);
      if (p.length < 32 && !draft.add(p, {RouteKind::Forward, port, {}}, true)) {
        const auto* there = draft.find(p.addr.v4());
        if (there == nullptr || there->hop.port != port) {
          error = to_text(p) + ": two ports are connected to this network";
          return false;
        }
      }
      if (!draft.add({p.addr, 32}, {RouteKind::Local, port, {}}, true)) {
        error = to_text(p.addr) + ": the address is given twice, or is the broadcast address of another";
        return false;
      }
      const Ip4Addr b = buf::directed_broadcast(p);
      if (!b.is_unspecified()) (void)draft.add({b, 32}, {RouteKind::Broadcast, port, {}}, true);
    }
  return true;
}

bool add_static(Draft& draft, std::span<const Route> statics, std::string& error) {
  for (const Route& r : statics) {
    const bool forward = r.kind == RouteKind::Forward;
    const bool gateway = forward && !r.via.is_none();
    if (!r.to.addr.is_v4() || (gateway && !r.via.is_v4())) {
      error = "route to " + to_text(r.to) + ": only IPv4 routes for now, and a gateway of the same family";
      return false;
    }
    const NextHop hop{r.kind, forward && !gateway ? r.port : uint16_t{0}, gateway ? r.via : IpAddr{},
                      r.transport};
    if (!draft.add(r.to, hop, !gateway)) {
      error = "route to " + to_text(r.to) + ": there is one already, static or connected";
      return false;
    }
  }
  return true;
}

bool resolve_all(Draft& draft, std::string& error) {
  // Against the unresolved draft, so that the order does not matter.
  std::vector<std::pair<Draft::Entry*, NextHop>> done;
  for (auto& [key, e] : draft.entries()) {
    if (e.resolved) continue;
    NextHop hop = e.hop;
    if (!draft.resolve(hop)) {
      error = "route to " + to_text(e.to) + ": the gateway " + to_text(e.hop.gateway) +
              " is not on a connected network, nor behind a route that is";
      return false;
    }
    done.emplace_back(&e, hop);
  }
  for (auto& [e, hop] : done) e->hop = hop;
  return true;
}

uint32_t hop_index(std::vector<NextHop>& hops, std::map<std::pair<uint32_t, IpAddr>, uint32_t>& known,
                   const NextHop& hop) {
  const uint32_t kind_and_port =
      static_cast<uint32_t>(hop.transport) << 24 | static_cast<uint32_t>(hop.kind) << 16 | hop.port;
  const auto [at, fresh] =
      known.try_emplace({kind_and_port, hop.gateway}, static_cast<uint32_t>(hops.size()));
  if (fresh) hops.push_back(hop);
  return at->second;
}

}  // namespace

std::shared_ptr<const Routes> Routes::build(std::span<const buf::Interface> ports,
                                            std::span<const Route> statics, const Options& options,
                                            std::string& error) {
  Draft draft;
  if (!add_connected(draft, ports, error) || !add_static(draft, statics, error) || !resolve_all(draft, error))
    return nullptr;
  if (draft.entries().size() > options.routes) {
    error = "more routes than the option routes allows: " + std::to_string(draft.entries().size());
    return nullptr;
  }

  std::shared_ptr<Routes> r{new Routes};
  r->hops_.push_back(NextHop{});
  r->size_ = draft.entries().size();
  std::map<std::pair<uint32_t, IpAddr>, uint32_t> known;
  std::set<uint32_t> long_networks;  // the /24s that need a second-level table
  std::vector<std::pair<const Prefix*, uint32_t>> rules;
  for (const auto& [key, e] : draft.entries()) {
    rules.emplace_back(&e.to, hop_index(r->hops_, known, e.hop));
    if (e.to.length > 24) long_networks.insert(e.to.addr.v4().v >> 8);
  }

  // DPDK hands out second-level tables in groups of 64 and wants one to spare.
  const size_t tables = long_networks.size() + 64;
  // Two octets an entry (32 MB for the first level) as long as 15 bits name all hops and all second-level
  // tables.
  rte_fib_conf conf{};
  conf.type = RTE_FIB_DIR24_8;
  conf.default_nh = 0;
  conf.max_routes = static_cast<int>(rules.size() + 1);
  const bool small = r->hops_.size() < 0x7fff && tables < 0x7fff;
  conf.dir24_8.nh_sz = small ? RTE_FIB_DIR24_8_2B : RTE_FIB_DIR24_8_4B;
  conf.dir24_8.num_tbl8 = static_cast<uint32_t>(tables);
  char name[32];
  std::snprintf(name, sizeof name, "fib_%zx", reinterpret_cast<size_t>(r.get()));
  r->fib_ = rte_fib_create(name, SOCKET_ID_ANY, &conf);
  if (r->fib_ == nullptr) {
    error = std::string{"no memory for the route table: "} + rte_strerror(rte_errno);
    return nullptr;
  }
  // Shorter prefixes first: what is written later is always the more specific. In any other order DPDK 22.11
  // loses second-level tables, and lookups go wrong.
  std::ranges::sort(rules, {}, [](const auto& rule) { return rule.first->length; });
  for (const auto& [to, hop] : rules) {
    const int bad = rte_fib_add(r->fib_, to->addr.v4().v, to->length, hop);
    if (bad != 0) {
      error = "route to " + to_text(*to) + ": " + rte_strerror(-bad);
      return nullptr;
    }
  }
  return r;
}

Routes::~Routes() { rte_fib_free(fib_); }

const NextHop& Routes::lookup(Ip4Addr a) const {
  const NextHop* hop;
  lookup(&a.v, &hop, 1);
  return *hop;
}

void Routes::lookup(const uint32_t* destinations, const NextHop** out, size_t n) const {
  check(n <= buf::burst_size, "a lookup is for at most a burst");
  uint64_t index[buf::burst_size];
  // The lookup itself only reads; its interface predates const.
  rte_fib_lookup_bulk(fib_, const_cast<uint32_t*>(destinations), index, static_cast<int>(n));
  for (size_t i = 0; i < n; ++i) out[i] = &hops_[index[i]];
}

}  // namespace sluice::ip
