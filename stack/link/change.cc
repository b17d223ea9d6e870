// SPDX-License-Identifier: Apache-2.0
// What a new configuration changes while we run: addresses, static neighbours, advertisements, ports that
// come.
#include <algorithm>

#include "link/link.h"

namespace sluice::link {

namespace {

using Kind = AddressChange::Kind;

bool speaks4(const buf::Interface& port) {
  return std::ranges::any_of(port.addresses, [](const Prefix& p) { return p.addr.is_v4(); });
}
bool has(const std::vector<Prefix>& all, const Prefix& p) { return std::ranges::find(all, p) != all.end(); }

}  // namespace

void Link::change(std::span<const buf::Interface> ports, std::span<const Advertise> advertise, Instant now,
                  TxOut& out) {
  const std::vector<buf::Interface> were{std::move(ports_)};
  ports_.assign(ports.begin(), ports.end());
  neighbours_.ports(ports_.size());
  ++epoch_;

  // Addresses of IPv4: RFC 5227 begins anew for those that come; those that stay go on where they are.
  std::erase_if(own_, [&](const OwnAddress& a) {
    return std::ranges::none_of(ports_[a.port()].addresses,
                                [&](const Prefix& p) { return p.addr == IpAddr{a.addr()}; });
  });
  for (uint16_t i = 0; i < ports_.size() && writer_; ++i)
    for (const Prefix& p : ports_[i].addresses)
      if (p.addr.is_v4() && own(i, p.addr.v4()) == nullptr) own_.emplace_back(p.addr.v4(), i, options_);

  // Neighbours that are none any more: those vouched for no longer, those of networks that we left, and all
  // of a port that does not speak their protocol any more, or is nobody's.
  neighbours_.remove_if([&](const Neighbour& n) {
    const buf::Interface& is = ports_[n.port];
    if (n.state == NeighbourState::Static)
      return std::ranges::find(is.neighbours, n.addr, &buf::StaticNeighbour::addr) == is.neighbours.end();
    if (!(n.addr.is_v4() ? speaks4(is) : is.ip6)) return true;
    if (n.port >= were.size()) return false;
    const auto on = [&](const Prefix& p) { return p.contains(n.addr); };
    return std::ranges::any_of(were[n.port].addresses, on) && std::ranges::none_of(is.addresses, on);
  });
  for (uint16_t i = 0; i < ports_.size(); ++i)
    for (const buf::StaticNeighbour& n : ports_[i].neighbours) pin(i, n, now, &out);

  buf::Egresses said;
  nd_.change(ports, advertise, now, said);
  output(said, now, out);
}

void Nd::change(std::span<const buf::Interface> ports, std::span<const Advertise> advertise, Instant now,
                buf::Egresses& out) {
  const std::vector<buf::Interface> were{std::move(ports_)};
  ports_.assign(ports.begin(), ports.end());
  mld_.ports(ports_.size());
  slaac_.resize(ports_.size());
  advertise_.resize(ports_.size());
  while (advertisers_.size() < ports_.size()) advertisers_.emplace_back(false, Duration{});
  for (uint16_t i = 0; i < ports_.size(); ++i) {
    const buf::Interface none, &was = i < were.size() ? were[i] : none;
    const Advertise said = i < advertise.size() ? advertise[i] : Advertise{};
    // Who ceases to be a router says so, while there is an address to say it from: RFC 4861 §6.2.5.
    if (!(ports_[i].ip6 && said.enabled) && advertises(i) && !out.full()) push(advertisement(i, true), out);
    change_addresses(i, was, now);
    change_slaac(i, was.slaac, now);
    change_advertiser(i, said, now);
  }
}

void Nd::change_addresses(uint16_t port, const buf::Interface& was, Instant now) {
  const buf::Interface& is = ports_[port];
  const auto before = given(was), after = given(is);
  for (size_t i = 0; i < own_.size();) {
    const Prefix p{own_[i].addr(), own_[i].length()};
    const bool goes = own_[i].port() == port && (!is.ip6 || (has(before, p) && !has(after, p)));
    if (goes)
      forget(i);
    else
      ++i;
  }
  if (!was.ip6 && is.ip6 && router_) mld_.join(port, Ip6Addr::all_routers(), now);
  if (was.ip6 && !is.ip6) mld_.leave_all(port);
  if (!writer_) return;
  for (const Prefix& p : after) {
    OwnAddress6* const there = own(port, p.addr.v6());
    if (there == nullptr)
      add_address(p.addr.v6(), p.length, port, now);
    else
      there->live(Instant::never(), Instant::never());  // what a router gave has become the user's
  }
}

void Nd::change_slaac(uint16_t port, bool was, Instant now) {
  const bool is = ports_[port].slaac;
  if (was == is || !writer_) return;
  for (const Slaac::Fact& f : slaac_[port].networks) tell(Kind::NotOnLink, port, f.addr, f.length);
  for (const Slaac::Fact& f : slaac_[port].routers) tell(Kind::NoRouter, port, f.addr, f.length);
  slaac_[port] = {};
  for (size_t i = 0; i < own_.size();)
    if (!is && own_[i].port() == port && own_[i].learned())
      forget(i);
    else
      ++i;
  if (is && !sender_for(port, link_local_prefix).is_unspecified()) slaac_[port].start(now);
}

// What is said changes with the next advertisement, which is sent as soon as may be.
void Nd::change_advertiser(uint16_t port, const Advertise& is, Instant now) {
  const bool enabled = writer_ && ports_[port].ip6 && is.enabled;
  if (advertise_[port] == is && advertisers_[port].enabled() == enabled) return;
  advertise_[port] = is;
  advertisers_[port].change(enabled, is.most_interval);
  if (!sender_for(port, link_local_prefix).is_unspecified()) advertisers_[port].start(now);
}

}  // namespace sluice::link
