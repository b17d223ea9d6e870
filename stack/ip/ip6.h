// SPDX-License-Identifier: Apache-2.0
// IPv6's half of the IP room: what is for us and what passes through, ICMPv6, and the way out for what we
// send. RFC 8200, 4443, 4291, 6724. Knows frames only as so many octets in front. One per worker.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/instant.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/token_bucket.h"
#include "buf/interface.h"
#include "buf/transmit.h"
#include "ip/addresses6.h"
#include "ip/ip.h"
#include "ip/options.h"
#include "ip/route.h"
#include "wire/icmp6.h"
#include "wire/ip6_ext.h"

namespace sluice::ip {

// A packet whose sender is to be told what is wrong with it: RFC 4443 §3.4.
struct Problem6 {
  buf::Packet packet;
  bool of_group = false;  // told even when it went to a group
  uint8_t code = 0;
  uint16_t pointer = 0;
};

// What input() found beside what the transports get (ip::In). Headers are set; l3_len covers extension
// headers.
struct In6 {
  buf::Batch icmp, transit;
  buf::Batch passing;    // fragments in transit whose flow is not known, for follow()
  buf::Batch fragments;  // fragments for us, for reassemble()
  buf::Batch nd;         // Neighbour Discovery and MLD, proved to come from this link
  StaticVec<Problem6, buf::burst_size> problems;
};

class Ip6 {
 public:
  // `options`, `fragments`, `counters` and `rng` outlive the room; `routes` is not null. Of one VRF, like Ip.
  Ip6(const Options&, std::span<const buf::Interface>, std::shared_ptr<const Routes> routes, Fragments&,
      Counters&, Rng&, uint16_t vrf = 0);

  void use(std::shared_ptr<const Routes> routes) { routes_ = std::move(routes); }
  // Other ports, and without the addresses that the user has taken away; those that come are link's to say.
  void change(std::span<const buf::Interface> ports);
  // What link says of our addresses, networks and routers.
  Addresses6& addresses() { return addresses_; }

  // Validates and sorts frames whose l2_len is set; leaves `frames` empty. Batches have room for all.
  void input(buf::Batch& frames, In& transports, In6& out);
  // Takes fragments for us; `whole` (room for all) gets the packets that are complete with them.
  void reassemble(buf::Batch& fragments, Instant now, buf::Batch& whole, In6& out);
  // Sorts what reassemble() made.
  void deliver(buf::Batch& whole, In& transports, In6& out);
  // Takes fragments in transit; Fragments::following gives out those that may go on.
  void follow(buf::Batch& passing, Instant now);
  // Sends packets on towards their destination, or an ICMPv6 error back; leaves `transit` empty. `out` has
  // room for one Egress per packet, here and below.
  void forward(buf::Batch& transit, Instant now, buf::Egresses& out);
  // Answers echo requests; errors about packets of ours are added to `errors` (room for all).
  void icmp(buf::Batch& in, Instant now, buf::Egresses& out, IcmpErrors& errors);
  // Tells the senders of `in`; leaves it empty.
  void tell(StaticVec<Problem6, buf::burst_size>& in, Instant now, buf::Egresses& out);
  // Sends what the transports made; leaves `in` empty.
  void output(buf::Transmits& in, Instant now, buf::Egresses& out);

  // Turns received packets into ICMPv6 errors to their senders, where RFC 4443 §2.4 allows one.
  void refuse(buf::Batch& in, Refusal, Instant now, buf::Egresses& out);
  void refuse(buf::Egresses& failed, Instant now, buf::Egresses& out);

  Result<Path> path(const Ip6Addr& dst) const;  // zoned
  bool ours(const Ip6Addr& zoned) const { return addresses_.ours(zoned); }

 private:
  struct Error {
    wire::Icmp6Type type;
    uint8_t code;
    uint32_t word = 0;  // MTU or pointer
    bool of_group = false;
    Counter event;
  };
  Counter verdict(buf::Packet&, In&, In6&, buf::Batch*& to);
  Counter judge(buf::Packet&, const wire::Ip6&, In&, In6&, buf::Batch*& to);
  buf::Batch& through(const wire::Ip6&, const buf::Packet&, In6&) const;
  bool stranger(const Ip6Addr&, uint16_t port) const;
  Counter local(buf::Packet&, const wire::Ip6&, In&, In6&, buf::Batch*& to, bool rebuilt = false);
  Counter classify_icmp(buf::Packet&, const wire::Ip6&, Bytes message, bool fragmented, In6&,
                        buf::Batch*& to) const;
  void problem(buf::Packet&&, wire::Icmp6Problem, size_t pointer, Counter why, In6&);
  bool source_fits(const Ip6Addr& src, uint16_t port) const;
  template <bool clamps>
  void forward_each(buf::Batch& transit, Instant now, buf::Egresses& out);
  bool passes(const wire::Ip6&, const NextHop&) const;
  template <bool clamps>
  void pass(buf::Packet&, const wire::Ip6&, const NextHop&, buf::Egresses& out);
  void forward_hard(buf::Packet&&, NextHop, Instant now, buf::Egresses& out);
  void clamp(const buf::Packet&, const wire::Ip6&, uint16_t to);
  void icmp_one(buf::Packet&&, Instant now, buf::Egresses& out, IcmpErrors& errors);
  void refuse(buf::Packet&&, const Error&, Instant now, buf::Egresses& out);
  bool may_refuse(const buf::Packet&, const wire::Ip6&, const Error&) const;
  Counter read_error(const wire::Icmp6&, uint16_t port, IcmpError& out) const;
  Counter output_one(buf::Transmit&, Instant now, buf::Egresses& out);
  Counter output_fragmented(buf::Transmit&, const NextHop&, Instant now, buf::Egresses& out);
  // The way to a destination (zoned), or false and why there is none.
  bool way_to(const Ip6Addr& dst, NextHop& out, Counter& why) const;
  Ip6Addr source_for(const NextHop&, const Ip6Addr& dst) const;

  const Options& options_;
  const uint16_t vrf_;
  std::vector<buf::Interface> ports_;
  bool clamps_;  // a port wants the MSS of SYNs lowered
  Addresses6 addresses_;
  std::shared_ptr<const Routes> routes_;
  Fragments& fragments_;
  Counters& count_;
  Rng& rng_;
  TokenBucket errors_;
  wire::Ip6Limits limits_;
  uint64_t flow_seed_;
};

}  // namespace sluice::ip
