// SPDX-License-Identifier: Apache-2.0
// Which IPv6 addresses are ours and may be used, and the networks and routers that advertisements taught us.
// Changes while we run (link/address_change.h says when); asked for every packet.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/lines.h"
#include "wire/ip_addr.h"

namespace sluice::ip {

class Addresses6 {
 public:
  struct Own {
    Ip6Addr addr;  // no zone
    uint16_t port = 0;
    uint8_t length = 64;
  };
  struct Learned {
    Ip6Addr addr;
    uint16_t port = 0;
    uint8_t length = 0;  // of a network; 128: a router
  };

  // The weak host model for global addresses (ours on every port); link-local ones are ours on their port
  // only.
  bool ours(const Ip6Addr& a, uint16_t port) const {
    // Most packets pass through: a filter of one bit per possible last octet spares the search.
    if (!filter_[a.b[15]]) return false;
    return std::ranges::any_of(
        own_, [&](const Own& o) { return o.addr == a && (o.port == port || !a.is_link_local()); });
  }
  bool ours(const Ip6Addr& zoned) const {
    return ours(zoned.unzoned(), zoned.has_zone() ? zoned.zone() : UINT16_MAX);
  }
  // Solicited-node groups of our addresses; those of addresses not yet proved free are link's to know.
  const std::vector<Own>& own() const { return own_; }

  void use(const Own& o) {
    const auto at = find(o);
    if (at != own_.end())
      at->length = o.length;
    else
      own_.push_back(o);
    refill();
  }
  void drop(const Own& o) {
    if (const auto at = find(o); at != own_.end()) own_.erase(at);
    refill();
  }
  template <class F>
  void drop_if(F&& which) {
    std::erase_if(own_, which);
    refill();
  }
  static void learn(LineVector<Learned>& to, const Learned& l) {
    if (std::ranges::none_of(to, [&](const Learned& x) { return same(x, l); })) to.push_back(l);
  }
  static void forget(LineVector<Learned>& from, const Learned& l) {
    std::erase_if(from, [&](const Learned& x) { return same(x, l); });
  }

  LineVector<Learned> networks, routers;

 private:
  static bool same(const Learned& a, const Learned& b) {
    return a.addr == b.addr && a.port == b.port && a.length == b.length;
  }
  std::vector<Own>::iterator find(const Own& o) {
    return std::ranges::find_if(own_, [&](const Own& x) { return x.addr == o.addr && x.port == o.port; });
  }
  void refill() {
    std::ranges::fill(filter_, false);
    for (const Own& o : own_) filter_[o.addr.b[15]] = true;
  }
  std::vector<Own> own_;
  std::array<bool, 256> filter_{};
};

}  // namespace sluice::ip
