// SPDX-License-Identifier: Apache-2.0
// Who we are on IPv6 links: addresses proved free (RFC 4862, 7527) or made from advertised prefixes, groups
// listened to (RFC 3810), routers found, and ourselves advertised as one (RFC 4861 §6). What it has to say
// leaves as IP packets. One worker, the writer, lives it; the others follow what it tells. Knows no
// neighbours.
#pragma once

#include <span>
#include <vector>

#include "base/counters.h"
#include "base/instant.h"
#include "base/lines.h"
#include "base/rng.h"
#include "buf/interface.h"
#include "buf/pool.h"
#include "buf/transmit.h"
#include "link/address_change.h"
#include "link/advertiser.h"
#include "link/mld.h"
#include "link/nd_options.h"
#include "link/own_address6.h"
#include "link/slaac.h"
#include "wire/nd.h"

namespace sluice::link {

constexpr Ip6Addr link_local_prefix = Ip6Addr::of(0xfe80, 0, 0, 0, 0, 0, 0, 0);

class Nd {
 public:
  // `advertise`: [port], or empty. `router`: we forward, so we listen to all routers and say so in
  // advertisements. References outlive this.
  Nd(const NdOptions&, std::span<const buf::Interface>, std::span<const Advertise> advertise, bool writer,
     bool router, buf::PacketPool&, Counters&, Rng&);

  // As Link::change(). What there is to say of it goes to `out` as far as there is room.
  void change(std::span<const buf::Interface>, std::span<const Advertise>, Instant now, buf::Egresses& out);

  // Whether the port speaks IPv6 at all, and whether frames to a group MAC are wanted there.
  bool speaks(uint16_t port) const { return ports_[port].ip6; }
  bool wanted(uint16_t port, const Mac& group) const { return speaks(port) && mld_.wanted(port, group); }
  bool router() const { return router_; }

  // The writer's addresses. Null: not ours on this port.
  OwnAddress6* own(uint16_t port, const Ip6Addr&);
  std::span<const OwnAddress6> own() const { return own_; }
  // The address to speak to `target` from: of its scope, usable; unspecified when there is none.
  Ip6Addr sender_for(uint16_t port, const Ip6Addr& target) const;
  bool on_link(uint16_t port, const Ip6Addr&) const;

  // Somebody else claims or probes for an address that we prove: it is lost to us.
  void lose(OwnAddress6&);
  void on_router_solicitation(uint16_t port, Instant now);
  void on_router_advertisement(uint16_t port, const Ip6Addr& from, const wire::RouterAdvertisement&,
                               Instant now);
  void on_query(uint16_t port, const Ip6Addr& group, uint32_t max_response_ms, Instant now);

  // Messages as packets ready for link's output, next hop and all; an empty packet when memory is short
  // (counted).
  buf::Egress solicit(uint16_t port, const Ip6Addr& target, const Ip6Addr& src, const Ip6Addr& dst,
                      std::optional<uint64_t> nonce);
  buf::Egress advertise(uint16_t port, const Ip6Addr& target, const Ip6Addr& dst, bool solicited);

  // Does what is due; a bounded amount a call, as `out` has room.
  void expire(Instant now, buf::Egresses& out);
  Instant deadline() const;
  // Says that we are no router any more: §6.2.5.
  void farewell(Instant now, buf::Egresses& out);

  // What changed since the last call; the writer repeats all of it from time to time, since messages between
  // workers may be lost.
  void take_changes(AddressChanges& out);
  // On other workers: keeps to what the writer said.
  void follow(const AddressChange&, Instant now);

 private:
  static constexpr Duration retell_interval = 10_s;

  static std::vector<Prefix> given(const buf::Interface&);
  void change_addresses(uint16_t port, const buf::Interface& was, Instant now);
  void change_slaac(uint16_t port, bool was, Instant now);
  void change_advertiser(uint16_t port, const Advertise& is, Instant now);
  // Hosts of the port take us for their default router.
  bool advertises(uint16_t port) const {
    return advertisers_[port].enabled() && advertisers_[port].deadline() != Instant::never() &&
           advertise_[port].head.lifetime != 0;
  }
  void add_address(const Ip6Addr&, uint8_t length, uint16_t port, Instant now);
  void forget(size_t i);
  void use(const OwnAddress6&, Instant now);
  void learn_prefix(uint16_t port, const wire::PrefixInformation&, Instant now);
  void tell(AddressChange::Kind, uint16_t port, const Ip6Addr&, uint8_t length);
  void retell();
  void push(buf::Egress&&, buf::Egresses& out);
  template <class F>
  buf::Egress message(uint16_t port, const Ip6Addr& src, const Ip6Addr& dst, size_t size, bool router_alert,
                      F&& write);
  buf::Egress advertisement(uint16_t port, bool last);

  const NdOptions& options_;
  std::vector<buf::Interface> ports_;
  std::vector<Advertise> advertise_;
  bool writer_, router_;
  buf::PacketPool& pool_;
  Counters& count_;
  Rng& rng_;
  LineVector<OwnAddress6> own_;
  Mld mld_;
  LineVector<Advertiser> advertisers_;
  LineVector<Slaac> slaac_;  // [port]
  AddressChanges told_;
  Instant retell_at_;
};

}  // namespace sluice::link
