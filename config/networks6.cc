// SPDX-License-Identifier: Apache-2.0
#include "config/networks6.h"

#include <algorithm>

namespace sluice::config {
namespace {

// Why no station can have this address; null when one can.
const char* not_a_station(const Ip6Addr& a) {
  if (a.is_unspecified()) return "the unspecified address";
  if (a.is_loopback()) return "the loopback address";
  if (a.is_multicast()) return "a multicast address";
  if (a.has_zone()) return "link-local with bits set that are to be zero (RFC 4291 2.5.6)";
  return nullptr;
}

}  // namespace

Prefix network6(const Prefix& p) {
  Ip6Addr a = p.addr.v6();
  for (size_t bit = p.length; bit < 128; ++bit) a.b[bit / 8] &= static_cast<uint8_t>(~(0x80u >> bit % 8));
  return {a, p.length};
}

std::optional<Fault> Networks6::add(size_t port, const Prefix& p) {
  const Ip6Addr a = p.addr.v6();
  const std::string text = to_text(p);
  if (const char* why = not_a_station(a)) return Fault{text + " is " + why, "the address of a station"};
  if (p.length == 0)
    return Fault{text + " says that everybody is on this link", "a prefix length from 1 to 128"};
  // RFC 4291 §2.6.1, RFC 6164 §5.1.
  if (p.length < 127 && network6(p).addr == p.addr)
    return Fault{text + " is the subnet-router anycast address of its network", "an address with host bits"};
  for (const Connected& c : connected_) {
    const std::string other = to_text(c.prefix) + " of port '" + ports_[c.port].name + "'";
    if (a.is_link_local() != c.prefix.addr.v6().is_link_local()) continue;
    if (c.prefix.addr == p.addr && (c.port == port || !a.is_link_local()))
      return Fault{text + " is " + other + " already", "an address of its own"};
    if (c.port != port && !a.is_link_local() && (c.prefix.contains(p.addr) || p.contains(c.prefix.addr)))
      return Fault{text + " overlaps " + other, "a network that only one port is on"};
  }
  connected_.push_back({port, p});
  return std::nullopt;
}

bool Networks6::ours(const IpAddr& a) const {
  return std::ranges::any_of(connected_, [&](const Connected& c) { return c.prefix.addr == a; });
}

bool Networks6::speaks(size_t port) const {
  return ports_[port].slaac || ports_[port].advertise.enabled ||
         std::ranges::any_of(connected_, [&](const Connected& c) { return c.port == port; });
}

std::string Networks6::on() const {
  std::string all;
  for (const Connected& c : connected_)
    if (!c.prefix.addr.v6().is_link_local()) all += (all.empty() ? "" : ", ") + to_text(network6(c.prefix));
  return all.empty() ? "a network of an IPv6 address of ours" : all;
}

std::optional<Fault> Networks6::gateway(const IpAddr& gateway, std::optional<size_t> port) const {
  const Ip6Addr a = gateway.v6();
  const std::string text = to_text(gateway);
  if (const char* why = not_a_station(a)) return Fault{text + " is " + why, "the address of a gateway"};
  if (a.is_link_local()) {
    if (!port)
      return Fault{"gateway " + text + " is link-local, and means nothing without a port",
                   "'via' and 'port'"};
    if (!speaks(*port))
      return Fault{"port '" + ports_[*port].name + "' speaks no IPv6", "a port with an IPv6 address"};
    return std::nullopt;
  }
  const auto at = std::ranges::find_if(connected_, [&](const Connected& c) {
    return !c.prefix.addr.v6().is_link_local() && c.prefix.contains(gateway);
  });
  if (at == connected_.end())
    return Fault{"gateway " + text + " is on none of our networks", "an address in " + on()};
  if (port && at->port != *port)
    return Fault{"gateway " + text + " is not on port '" + ports_[*port].name + "' but on '" +
                     ports_[at->port].name + "'",
                 "that port, or no 'port' at all,"};
  if (ours(gateway))
    return Fault{"gateway " + text + " is our own address", "the address of another station"};
  return std::nullopt;
}

std::optional<Fault> Networks6::destination(const Prefix& net) const {
  const Ip6Addr a = net.addr.v6();
  if (net.length != 0 && (a.is_multicast() || a.is_link_local() || a.is_loopback() || a.is_v4_mapped()))
    return Fault{to_text(net) + " is never routed", "a network of stations"};
  for (const Connected& c : connected_) {
    if (net.length == 128 && net.addr == c.prefix.addr)
      return Fault{
          to_text(net) + " is an address of port '" + ports_[c.port].name + "', which needs no route",
          "the address of another station"};
    if (network6(c.prefix) == net)
      return Fault{
          to_text(net) + " is the network of port '" + ports_[c.port].name + "', which needs no route",
          "a network that is not connected"};
  }
  return std::nullopt;
}

}  // namespace sluice::config
