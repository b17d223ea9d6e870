// SPDX-License-Identifier: Apache-2.0
#include "config/networks.h"

#include <algorithm>

#include "config/nearest.h"

namespace sluice::config {

Ip4Addr network_of(const Prefix& p) { return {p.addr.v4().v & Ip4Addr::mask(p.length).v}; }
Ip4Addr broadcast_of(const Prefix& p) { return {p.addr.v4().v | ~Ip4Addr::mask(p.length).v}; }
bool has_broadcast(const Prefix& p) { return p.length < 31; }

const char* not_a_station(Ip4Addr a) {
  if (a.is_this_network()) return "an address of 'this network' (0.0.0.0/8)";
  if (a.is_loopback()) return "a loopback address";
  if (a.is_multicast()) return "a multicast address";
  if (a.is_reserved()) return "a reserved or broadcast address";
  return nullptr;
}

const Networks::Connected* Networks::with(Ip4Addr a) const {
  const Connected* best = nullptr;
  for (const Connected& n : connected_)
    if (n.prefix.contains(a) && (!best || n.prefix.length > best->prefix.length)) best = &n;
  return best;
}

std::string Networks::on(std::optional<size_t> port) const {
  std::string all;
  for (const Connected& n : connected_)
    if (!port || n.port == *port)
      all += (all.empty() ? "" : ", ") + to_text(Prefix{network_of(n.prefix), n.prefix.length});
  return all.empty() ? "a network of an address of ours" : all;
}

std::optional<Fault> Networks::gateway(const IpAddr& gateway, std::optional<size_t> port) const {
  const Ip4Addr a = gateway.v4();
  const std::string text = to_text(gateway);
  if (const char* why = not_a_station(a)) return Fault{text + " is " + why, "the address of a gateway"};
  const Connected* n = with(a);
  if (!n) return Fault{"gateway " + text + " is on none of our networks", "an address in " + on(port)};
  if (port && n->port != *port)
    return Fault{"gateway " + text + " is not on port '" + ports_[*port].name + "' but on '" +
                     ports_[n->port].name + "'",
                 "that port, or no 'port' at all,"};
  if (std::ranges::any_of(connected_, [a](const Connected& c) { return c.us() == a; }))
    return Fault{"gateway " + text + " is our own address", "the address of another station"};
  if (has_broadcast(n->prefix) && (a == network_of(n->prefix) || a == broadcast_of(n->prefix)))
    return Fault{"gateway " + text + " is the network's own or its broadcast address",
                 "the address of a station"};
  return std::nullopt;
}

std::optional<Fault> Networks::source(const IpAddr& a) const {
  std::string ours;
  for (const Connected& n : connected_) {
    if (n.us() == a.v4()) return std::nullopt;
    ours += (ours.empty() ? "" : ", ") + to_text(IpAddr{n.us()});
  }
  return Fault{to_text(a) + " is not an address of ours",
               ours.empty() ? "an address of a port" : "one of " + ours};
}

std::optional<Fault> Networks::destination(const Prefix& net) const {
  if (net.length != 0)
    if (const char* why = not_a_station(net.addr.v4()))
      return Fault{to_text(net) + " is " + why, "a network of stations"};
  for (const Connected& n : connected_) {
    const Ip4Addr a = net.addr.v4();
    const bool us = a == n.us();
    if (net.length == 32 && (us || (has_broadcast(n.prefix) && a == broadcast_of(n.prefix))))
      return Fault{to_text(net) + " is " + (us ? "an" : "a broadcast") + " address of port '" +
                       ports_[n.port].name + "', which needs no route",
                   "the address of another station"};
    if (n.prefix.length == net.length && network_of(n.prefix) == a)
      return Fault{
          to_text(net) + " is the network of port '" + ports_[n.port].name + "', which needs no route",
          "a network that is not connected"};
  }
  return std::nullopt;
}

std::optional<size_t> Networks::port_called(const std::string& name, Fault& out) const {
  std::vector<std::string> names;
  names.reserve(ports_.size());
  for (const Port& p : ports_) names.push_back(p.name);
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  const std::string close = nearest(name, names);
  std::string all;
  for (const std::string& n : names) all += (all.empty() ? "" : ", ") + n;
  out = {"there is no port '" + name + "'", close.empty() ? "one of " + all : "'" + close + "'"};
  return std::nullopt;
}

}  // namespace sluice::config
