// SPDX-License-Identifier: Apache-2.0
#include "config/check.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "config/codec.h"
#include "config/device_check.h"
#include "config/nearest.h"
#include "config/networks.h"
#include "config/networks6.h"
#include "config/route_check.h"

namespace sluice::config {
namespace {

// A network one of our ports is on.
struct Connected {
  size_t port;
  Prefix prefix;
  const Place* place;
  Ip4Addr us() const { return prefix.addr.v4(); }
};

std::string without_case(std::string name) {
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return name;
}

class Checker {
 public:
  Checker(const Config& c, const Places& places, const Environment& env, bool addresses_known,
          std::vector<Complaint>& out, std::vector<std::vector<Complaint>>& in_files)
      : c_{c}, places_{places}, env_{env}, known_{addresses_known}, out_{out}, in_files_{in_files} {
    for (const Port& p : c.ports) (void)vrf(p.vrf);
  }

  void run() {
    check_cores();
    check_port_names();
    check_neighbour_limit();
    check_devices(c_, places_, env_, main_.four, known_, out_);
    for (size_t i = 0; i < c_.ports.size(); ++i) {
      check_addresses(i);
      check_advertise(c_.ports[i]);
    }
    for (const Port& port : c_.ports) check_mss_clamp(port);
    for (size_t i = 0; i < c_.ports.size(); ++i) check_neighbours(i);
    for (const auto& [name, vrf] : vrfs_) check_overlaps(vrf.connected);
    check_packets();
    for (const Route& route : c_.routes) check_route(route);
    in_files_.resize(c_.file_routes.size());
    for (size_t i = 0; i < c_.file_routes.size(); ++i)
      check_route_file(c_.file_routes[i], main_.four, main_.six, known_, main_.destinations, in_files_[i]);
    for (const auto& [name, vrf] : vrfs_) check_route_count(name, vrf);
    for (const DnsService& s : c_.dns) check_dns(s);
    check_listener_count();
    for (const HttpService& s : c_.http) check_http(s);
    for (const auto* services : {&c_.echo, &c_.discard})
      for (const InetdService& s : *services) check_listen(s.vrf, s.listen, {"UDP", "TCP"});
    check_limits();
    check_metrics();
  }

 private:
  void add(const Place* at, std::string wrong, std::string right) {
    out_.push_back({at->line, at->column, std::move(wrong), std::move(right)});
  }

  // What is known of the ports of one VRF, and of the routes in it.
  struct Vrf {
    explicit Vrf(const std::vector<Port>& ports) : four{ports}, six{ports} {}
    Networks four;
    Networks6 six;
    std::vector<Connected> connected;
    Destinations destinations;  // of all static routes
  };
  Vrf& vrf(const std::string& name) { return vrfs_.try_emplace(name, c_.ports).first->second; }
  // The VRF that a route or a service names; null (told): no port is in it.
  Vrf* vrf_named(const std::string& name) {
    const auto found = vrfs_.find(name);
    if (found != vrfs_.end()) return &found->second;
    std::vector<std::string> names;
    std::string all;
    for (const auto& [other, ignored] : vrfs_) {
      names.push_back(other);
      all += (all.empty() ? "" : ", ") + other;
    }
    const std::string close = nearest(name, names);
    if (const Place* at = places_.find(name); at && known_)
      add(at, "no port is in a VRF '" + name + "'", close.empty() ? "one of " + all : "'" + close + "'");
    return nullptr;
  }

  void check_cores() {
    std::set<uint32_t> seen;
    for (const uint32_t& core : c_.workers.cores) {
      const Place* at = places_.find(core);
      if (!at) continue;
      if (core >= env_.cores)
        add(at, "there is no core " + std::to_string(core),
            env_.cores == 1 ? "0, the only one," : "0 to " + std::to_string(env_.cores - 1));
      else if (env_.may_run_on && !env_.may_run_on(core))
        add(at, "sluice may not run on core " + std::to_string(core) + " here",
            "a core that taskset or the container allows");
      if (!seen.insert(core).second)
        add(at, "core " + std::to_string(core) + " is listed twice", "one worker a core");
    }
  }

  void check_port_names() {
    std::set<std::string> seen;
    for (const Port& port : c_.ports) {
      const Place* at = places_.find(port.name);
      if (at && !seen.insert(port.name).second)
        add(at, "two ports are called '" + port.name + "'", "a name of its own");
    }
  }

  // Static neighbours: each on a network of its port.
  void check_neighbours(size_t port) {
    const Port& p = c_.ports[port];
    const Vrf& own = vrf(p.vrf);
    std::set<std::string> seen;
    for (const Neighbour& n : p.neighbours) {
      const Place* at = places_.find(n.address);
      if (!at) continue;
      const std::string text = to_text(n.address);
      if (!seen.insert(text).second) {
        add(at, "neighbour " + text + " is there twice", "one of them");
        continue;
      }
      if (!known_) continue;
      if (auto wrong =
              n.address.is_v4() ? own.four.gateway(n.address, port) : own.six.gateway(n.address, port)) {
        // What is said of gateways, said of neighbours, which stand under their port.
        for (std::string* said : {&wrong->wrong, &wrong->right})
          if (const size_t i = said->find("gateway"); i != std::string::npos)
            said->replace(i, 7, "neighbour");
        if (wrong->right.find("'port'") != std::string::npos) wrong->right = "'neighbours' of that port";
        add(at, std::move(wrong->wrong), std::move(wrong->right));
      }
    }
    static_neighbours_ += p.neighbours.size();
    const Place* at = places_.find(p.neighbours);
    if (at && p.neighbours.size() >= c_.arp.of_one_port())
      add(at,
          "so many leave no room for others in arp.neighbours_per_port, " +
              std::to_string(c_.arp.of_one_port()),
          "a larger arp.neighbours_per_port");
    else if (at && static_neighbours_ >= c_.arp.neighbours)
      add(at, "static neighbours fill arp.neighbours, " + std::to_string(c_.arp.neighbours),
          "a larger arp.neighbours");
  }

  void check_neighbour_limit() {
    const uint32_t& limit = c_.arp.neighbours_per_port;
    if (const Place* at = places_.find(limit); at && limit != 0 && limit < 16)
      add(at, "a port with " + std::to_string(limit) + " neighbours has no room for a network",
          "0 for half of arp.neighbours, or at least 16");
  }

  void check_addresses(size_t port) {
    Vrf& own = vrf(c_.ports[port].vrf);
    for (const Prefix& p : c_.ports[port].addresses) {
      const Place* at = places_.find(p);
      if (!at) continue;
      if (!p.addr.is_v4()) {
        if (auto wrong = own.six.add(port, p)) add(at, std::move(wrong->wrong), std::move(wrong->right));
        continue;
      }
      const Ip4Addr a = p.addr.v4();
      const std::string text = to_text(p);
      if (const char* why = not_a_station(a)) {
        add(at, text + " is " + why, "the address of a station");
        continue;
      }
      if (p.length == 0) {
        add(at, text + " says that everybody is on this link", "a prefix length from 1 to 32");
        continue;
      }
      if (has_broadcast(p) && (a == network_of(p) || a == broadcast_of(p))) {
        add(at,
            text + " is the " + (a == network_of(p) ? "network" : "broadcast") + " address of its network",
            "an address between " + to_text(network_of(p)) + " and " + to_text(broadcast_of(p)));
        continue;
      }
      own.connected.push_back({port, p, at});
      own.four.add(port, p);
    }
  }

  // A bound above what the port carries would bind nobody: somebody mistook what counts.
  void check_mss_clamp(const Port& port) {
    const Place* at = places_.find(port.mss_clamp);
    const uint16_t number = port.mss_clamp.number;
    constexpr uint16_t headers = 40;  // RFC 9293 §3.7.1: IPv4's and TCP's, without options
    if (!at || number + headers <= port.mtu) return;
    add(at,
        "segments of " + std::to_string(number) + " octets and their headers exceed the port's MTU of " +
            std::to_string(port.mtu),
        port.mtu >= MssClamp::least + headers ? "mtu, or at most " + std::to_string(port.mtu - headers) + ","
                                              : "mtu");
  }

  void check_advertise(const Port& port) {
    const Advertise& a = port.advertise;
    for (const Prefix& p : a.prefixes) {
      const Place* at = places_.find(p);
      if (!at) continue;
      if (p.addr.is_v4() || p.addr.v6().is_multicast() || p.addr.v6().is_link_local())
        add(at, to_text(p) + " is no prefix to advertise", "an IPv6 network of stations");
      else if (network6(p) != p)
        add(at, to_text(p) + " has bits beyond its prefix", to_text(network6(p)));
    }
    for (const IpAddr& server : a.rdnss)
      if (const Place* at = places_.find(server); at && server.is_v4())
        add(at, to_text(server) + " is an IPv4 address", "the IPv6 address of a DNS server");
    const Place* preferred = places_.find(a.preferred);
    if (preferred && a.preferred > a.valid)
      add(preferred, "hosts would prefer addresses for longer than they are valid", "at most 'valid'");
    const Place* interval = places_.find(a.interval);
    if (interval && a.lifetime.ns != 0 && a.lifetime < a.interval)
      add(interval, "hosts would forget us between two advertisements", "at most 'lifetime'");
    if (a.mtu != 0 && a.mtu < 1280)
      if (const Place* at = places_.find(a.mtu))
        add(at, "every IPv6 link carries 1280 octets", "0 or at least 1280");
  }

  // Of one VRF; in another the same addresses are others.
  void check_overlaps(const std::vector<Connected>& connected) {
    for (size_t i = 0; i < connected.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        const Connected &x = connected[i], &y = connected[j];
        if (!x.prefix.contains(y.prefix.addr) && !y.prefix.contains(x.prefix.addr)) continue;
        if (x.port == y.port && x.us() != y.us()) {  // two addresses on one link
          if (is_broadcast_of(x.us(), y) || is_broadcast_of(y.us(), x))
            add(x.place,
                "of " + to_text(x.prefix) + " and " + to_text(y.prefix) +
                    " one is the broadcast address of the other's network",
                "an address that is not");
          continue;
        }
        const std::string other = to_text(y.prefix) + " of port '" + c_.ports[y.port].name + "'";
        add(x.place,
            to_text(x.prefix) + (x.us() == y.us() ? " is " : " overlaps ") + other +
                (x.us() == y.us() ? " already" : ""),
            x.us() == y.us() ? "an address of its own" : "a network that only one port is on");
        break;
      }
    }
  }

  static bool is_broadcast_of(Ip4Addr a, const Connected& n) {
    return has_broadcast(n.prefix) && a == broadcast_of(n.prefix);
  }

  // What Routes::build() will make of the ports, and of the routes.
  void check_route_count(const std::string& name, const Vrf& vrf) {
    if (!known_ || vrf.destinations.size() == 0) return;
    Destinations ours;
    for (const Connected& n : vrf.connected) {
      ours.insert({network_of(n.prefix), n.prefix.length});
      ours.insert({n.us(), 32});
      if (has_broadcast(n.prefix)) ours.insert({broadcast_of(n.prefix), 32});
    }
    for (const auto& n : vrf.six.all()) {
      if (n.prefix.addr.v6().is_link_local()) continue;
      ours.insert(network6(n.prefix));
      ours.insert({n.prefix.addr, 128});
    }
    const size_t all = ours.size() + vrf.destinations.size();
    const Place* at = c_.routes.empty() ? places_.find(c_.route_files) : places_.find(c_.routes.back());
    if (all > c_.ip.routes && at)
      add(at,
          std::to_string(all) + " routes" + in_vrf(name) +
              ", those of our addresses included, are more than ip.routes allows",
          "a larger ip.routes");
  }

  void check_listener_count() {
    size_t count = 0;
    for (const DnsService& s : c_.dns)
      for (const Endpoint& e : s.listen) {
        const Place* at = places_.find(e);
        if (++count == c_.udp.listeners + size_t{1} && at)
          add(at, "more UDP listeners than udp.listeners, " + std::to_string(c_.udp.listeners) + ", allows",
              "a larger udp.listeners");
      }
  }

  // Receive queues keep this many packets of the pool for good; without some more nothing moves.
  void check_packets() {
    uint64_t held = 0;
    for (const Port& p : c_.ports)
      if (!p.parent) held += uint64_t{p.queues ? p.queues : c_.workers.cores.size()} * p.rx_descriptors;
    if (c_.memory.packets > held || !known_) return;
    const Place* at = places_.find(c_.memory.packets);
    add(at ? at : places_.find(c_.ports),
        "memory.packets is " + std::to_string(c_.memory.packets) + ", and the receive queues alone hold " +
            std::to_string(held),
        "twice as much, or fewer rx_descriptors,");
  }

  void check_route(const Route& r) {
    Vrf* const own = vrf_named(r.vrf);
    if (own == nullptr) return;
    check_destination(r, *own);
    const Place* kind = places_.find(r.kind);
    const Place* via = r.via ? places_.find(*r.via) : nullptr;
    const Place* port = r.port ? places_.find(*r.port) : nullptr;
    const Place* source = r.source ? places_.find(*r.source) : nullptr;
    if (source && known_ && r.source->is_v4()) {
      if (auto wrong = own->four.source(*r.source))
        add(source, std::move(wrong->wrong), std::move(wrong->right));
    } else if (source && known_ && !own->six.ours(*r.source)) {
      add(source, to_text(*r.source) + " is not an address of ours", "an address of a port");
    }
    if (r.mss != 0 && r.mss < c_.tcp.least_mss && places_.find(r.mss))
      add(places_.find(r.mss),
          std::to_string(r.mss) + " is below tcp.least_mss, the floor of any segment size",
          "0, or " + std::to_string(c_.tcp.least_mss) + " at least");
    if (r.kind != RouteKind::Forward) {
      if (via) add(via, "a route that refuses has no 'via'", "'kind' without 'via'");
      if (port) add(port, "a route that refuses has no 'port'", "'kind' without 'port'");
      if (!r.more.empty() && places_.find(r.more[0]))
        add(places_.find(r.more[0]), "a route that refuses has no gateways", "'kind' without 'more'");
      return;
    }
    if (!r.via && !r.port) {
      const Place* at = kind ? kind : places_.find(r);
      if (at) add(at, "the route leads nowhere", "'via' with a gateway, 'port', or 'kind: blackhole'");
      return;
    }
    std::optional<size_t> out;
    if (port) {
      out = port_called(*r.port, port);
      if (!out) return;
      if (const std::string& its = c_.ports[*out].vrf; its != r.vrf)
        return add(port, "port '" + *r.port + "' is in VRF '" + its + "', and the route in '" + r.vrf + "'",
                   "a port of the route's VRF, since nothing passes from one to another,");
    }
    if (via && places_.find(r.to) && r.via->is_v4() != r.to.addr.is_v4())
      return add(via, "gateway " + to_text(*r.via) + " is of another family than " + to_text(r.to),
                 "a gateway of the destination's family");
    if (via) check_gateway(*r.via, via, out, *own);
    for (const IpAddr& more : r.more) {
      const Place* at = places_.find(more);
      if (!at) continue;
      if (!r.via) return add(at, "'more' gateways without a first", "'via' with the first of them");
      if (more.is_v4() != r.via->is_v4())
        return add(at, "gateways of two families", "those of the destination's family");
      check_gateway(more, at, std::nullopt, *own);
    }
  }

  void check_destination(const Route& r, Vrf& own) {
    const Place* at = places_.find(r.to);
    if (!at) return;
    if (!r.to.addr.is_v4()) return check_destination6(r, at, own);
    const Prefix net{network_of(r.to), r.to.length};
    if (net != r.to) return add(at, to_text(r.to) + " has bits beyond its prefix", to_text(net));
    if (!own.destinations.insert(net)) return add(at, "there are two routes to " + to_text(net), "one");
    if (auto wrong = own.four.destination(net)) add(at, std::move(wrong->wrong), std::move(wrong->right));
  }

  void check_destination6(const Route& r, const Place* at, Vrf& own) {
    const Prefix net = network6(r.to);
    if (net != r.to) return add(at, to_text(r.to) + " has bits beyond its prefix", to_text(net));
    if (!own.destinations.insert(net)) return add(at, "there are two routes to " + to_text(net), "one");
    if (auto wrong = own.six.destination(net)) add(at, std::move(wrong->wrong), std::move(wrong->right));
  }

  std::optional<size_t> port_called(const std::string& name, const Place* at) {
    Fault fault;
    const auto found = main_.four.port_called(name, fault);
    if (!found && known_) add(at, std::move(fault.wrong), std::move(fault.right));
    return found;
  }

  void check_gateway(const IpAddr& gateway, const Place* at, std::optional<size_t> port, const Vrf& own) {
    if (!known_) return;
    if (auto wrong = gateway.is_v4() ? own.four.gateway(gateway, port) : own.six.gateway(gateway, port))
      add(at, std::move(wrong->wrong), std::move(wrong->right));
  }

  void check_listen(const std::string& name, const std::vector<Endpoint>& listen,
                    std::initializer_list<const char*> transports) {
    const Vrf* const own = vrf_named(name);
    if (own == nullptr) return;
    for (const Endpoint& e : listen) {
      const Place* at = places_.find(e);
      if (!at) continue;
      const auto ours = [&](const Connected& n) { return IpAddr{n.us()} == e.addr; };
      if (known_ && !is_any(e.addr) && std::ranges::none_of(own->connected, ours) && !own->six.ours(e.addr)) {
        add(at, to_text(e.addr) + " is not an address of ours" + in_vrf(name), our_addresses(*own));
        continue;
      }
      for (const char* transport : transports) check_taken(name, e, transport, at);
    }
  }
  // 0.0.0.0 and :: both mean every address of ours, of either family.
  static bool is_any(const IpAddr& a) { return a == IpAddr{Ip4Addr{}} || a.is_none(); }
  void check_taken(const std::string& vrf, const Endpoint& e, std::string_view transport, const Place* at) {
    const auto clashes = [&](const Taken& other) {
      return other.vrf == vrf && other.transport == transport && other.endpoint.port == e.port &&
             (other.endpoint.addr == e.addr || is_any(e.addr) || is_any(other.endpoint.addr));
    };
    const auto other = std::ranges::find_if(listeners_, clashes);
    if (other != listeners_.end())
      add(at,
          std::string{transport} + " " + Codec<Endpoint>::text(e) + " is taken by " +
              Codec<Endpoint>::text(other->endpoint) + in_vrf(vrf),
          "another address or port");
    listeners_.push_back({vrf, transport, e});
  }
  static std::string in_vrf(const std::string& name) {
    return name == default_vrf ? std::string{} : " in VRF '" + name + "'";
  }
  static std::string our_addresses(const Vrf& vrf) {
    std::string all = "0.0.0.0 for all of ours";
    for (const Connected& n : vrf.connected) all += ", " + to_text(IpAddr{n.us()});
    for (const auto& n : vrf.six.all()) all += ", " + to_text(n.prefix.addr);
    return all;
  }

  bool exists(const std::function<bool(const std::string&)>& ask, const std::string& file) const {
    return !ask || ask(c_.path(file));
  }

  void check_dns(const DnsService& s) {
    check_listen(s.vrf, s.listen, {"UDP"});
    std::set<std::string> seen;
    for (const Zone& zone : s.zones) {
      const Place* name = places_.find(zone.name);
      const Place* file = places_.find(zone.file);
      if (name && !seen.insert(without_case(zone.name)).second)
        add(name, "zone '" + zone.name + "' is there twice", "one of them");
      if (file && !exists(env_.file_exists, zone.file))
        add(file, "there is no zone file '" + c_.path(zone.file) + "'", "the path of a master file");
    }
  }

  void check_http(const HttpService& s) {
    check_listen(s.vrf, s.listen, {"TCP"});
    std::set<std::string> seen;
    for (const Site& site : s.sites) {
      const Place* root = places_.find(site.root);
      for (const std::string& name : site.names) {
        const Place* at = places_.find(name);
        if (at && !seen.insert(without_case(name)).second)
          add(at, "two sites answer to '" + name + "'", "one of them");
      }
      if (root && !exists(env_.folder_exists, site.root))
        add(root, "there is no folder '" + c_.path(site.root) + "'", "the path of a folder");
    }
  }

  // A connection remembers in an octet which of them are its own.
  void check_limits() {
    std::vector<tcp::Limits> all{tcp::ListenerLimits{}.over(c_.tcp)};
    const auto take = [&](const tcp::ListenerLimits& wanted) {
      const tcp::Limits limits = wanted.over(c_.tcp);
      if (std::ranges::find(all, limits) != all.end()) return;
      all.push_back(limits);
      const Place* at = places_.find(wanted);
      if (at && all.size() > tcp::most_limits)
        add(at,
            "this is the " + std::to_string(all.size() - 1) + "th different set of tcp limits of services",
            "at most " + std::to_string(tcp::most_limits - 1) + " different ones");
    };
    for (const HttpService& s : c_.http) take(s.limits);
    for (const auto* services : {&c_.echo, &c_.discard})
      for (const InetdService& s : *services) take(s.limits);
  }

  void check_metrics() {
    const Place* at = c_.metrics.listen ? places_.find(*c_.metrics.listen) : nullptr;
    if (!at || !c_.metrics.listen->addr.is_v4()) return;
    const Ip4Addr a = c_.metrics.listen->addr.v4();
    for (const Connected& n : main_.connected)
      if (n.us() == a)
        return add(at,
                   to_text(IpAddr{a}) + " is an address of port '" + c_.ports[n.port].name +
                       "', not of the kernel's",
                   "an address of the kernel's like 127.0.0.1:9464");
  }

  static std::string to_text(Ip4Addr a) { return sluice::to_text(IpAddr{a}); }
  static std::string to_text(const IpAddr& a) { return sluice::to_text(a); }
  static std::string to_text(const Prefix& p) { return sluice::to_text(p); }

  const Config& c_;
  const Places& places_;
  const Environment& env_;
  const bool known_;
  std::vector<Complaint>& out_;
  std::vector<std::vector<Complaint>>& in_files_;
  struct Taken {
    std::string vrf;
    std::string_view transport;
    Endpoint endpoint;
  };
  std::map<std::string, Vrf> vrfs_;
  Vrf& main_ = vrf(default_vrf);
  size_t static_neighbours_ = 0;
  std::vector<Taken> listeners_;
};

}  // namespace

void check_whole(const Config& c, const Places& places, const Environment& environment, bool addresses_known,
                 std::vector<Complaint>& out, std::vector<std::vector<Complaint>>& in_files) {
  Checker{c, places, environment, addresses_known, out, in_files}.run();
}

}  // namespace sluice::config
