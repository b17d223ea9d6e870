// SPDX-License-Identifier: Apache-2.0
// The IP room: what is for us and what passes through, ICMP, and the way out for what we send. IPv4: RFC 791,
// 792, 1122 §3, 1812. Knows frames only as so many octets in front, and of transports only where their
// checksum lies and what a SYN may promise. One per worker.
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
#include "ip/addresses.h"
#include "ip/fragments.h"
#include "ip/mss_clamp.h"
#include "ip/options.h"
#include "ip/route.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/tuple.h"

namespace sluice::ip {

// What input() found. Headers are set (l2, l3), padding is gone.
struct In {
  buf::Batch udp, tcp, icmp;
  buf::Batch transit;           // for forward()
  buf::Batch passing;           // fragments in transit whose flow is not known, for follow()
  buf::Batch fragments;         // fragments for us, for reassemble()
  buf::Batch unknown_protocol;  // for refuse(.., Refusal::Protocol, ..)
};

// Why a packet is sent back: which ICMP error its sender gets.
enum class Refusal : uint8_t { Net, Host, Protocol, Port, TooBig, Prohibited, TimeExceeded, ReassemblyTime };

// An ICMP error about something we sent, for the transport to judge (RFC 1122 §4.2.3.9; RFC 5927: anybody
// may have forged it). `tuple` is as we see the flow: local is ours.
struct IcmpError {
  Tuple tuple;
  wire::Icmp4Type type = wire::Icmp4Type::Unreachable;
  uint8_t code = 0;
  uint16_t mtu = 0;       // of the next hop, FragmentationNeeded only; 0: an old router did not say
  uint32_t sequence = 0;  // TCP: the sequence number quoted, which is to lie in what is in flight
};
using IcmpErrors = StaticVec<IcmpError, buf::burst_size>;

// How packets to a destination leave.
struct Path {
  uint16_t port = 0;
  uint16_t mtu = 0;  // octets of an IP packet
  IpAddr source;     // the address of ours they should carry
  bool tcp_segmentation = false, multi_segment = false;
  uint16_t transport = 0;  // what the route says to transports
};

class Ip {
 public:
  // `options`, `fragments`, `counters` and `rng` outlive the room; `routes` is not null. The room of one VRF:
  // ports of others have no addresses (buf::of_vrf); `fragments` may be shared by all.
  Ip(const Options&, std::span<const buf::Interface>, std::shared_ptr<const Routes> routes, Fragments&,
     Counters&, Rng&, uint16_t vrf = 0);

  // Swaps the routes; between two bursts.
  void use(std::shared_ptr<const Routes> routes) { routes_ = std::move(routes); }
  // Other addresses and ports; between two bursts. Ports keep their numbers, more may follow.
  void change(std::span<const buf::Interface> ports) {
    ports_.assign(ports.begin(), ports.end());
    clamps_ = any_clamps_mss(ports);
    addresses_ = Addresses{ports};
  }

  // Validates and sorts frames whose l2_len is set; leaves `frames` empty. Each batch of `out` has room for
  // all.
  void input(buf::Batch& frames, In& out);
  // Takes fragments for us; `whole` (room for all) gets the datagrams that are complete with them.
  void reassemble(buf::Batch& fragments, Instant now, buf::Batch& whole);
  // Sorts what reassemble() made.
  void deliver(buf::Batch& whole, In& out);
  // Takes fragments in transit; Fragments::following gives out those that may go on.
  void follow(buf::Batch& passing, Instant now);
  // Sends packets on towards their destination, or an ICMP error back; leaves `transit` empty. `out` has room
  // for one Egress per packet, here and below.
  void forward(buf::Batch& transit, Instant now, buf::Egresses& out);
  // Answers echo requests; errors about packets of ours are added to `errors` (room for all). Leaves `in`
  // empty.
  void icmp(buf::Batch& in, Instant now, buf::Egresses& out, IcmpErrors& errors);
  // Sends what the transports made; leaves `in` empty.
  void output(buf::Transmits& in, Instant now, buf::Egresses& out);

  // Turns packets that were received (l2_len, l3_len as input() set them) into ICMP errors to their senders,
  // where RFC 1812 §4.3.2.7 allows one. Whoever refused them has counted why.
  void refuse(buf::Batch& in, Refusal, Instant now, buf::Egresses& out);
  // The same for packets that link could not deliver: host unreachable. Packets of our own just die.
  void refuse(buf::Egresses& failed, Instant now, buf::Egresses& out);

  // The way to a destination, or the reason why there is none.
  Result<Path> path(const IpAddr& dst) const;
  bool ours(const IpAddr& a) const { return a.is_v4() && addresses_.ours(a.v4()); }

 private:
  Counter verdict(buf::Packet&, In&, buf::Batch*& to) const;
  bool stranger(Ip4Addr) const;
  void check_sources(buf::Batch&, uint16_t port) const;
  Counter judge(const wire::Ip4&, const buf::Packet&, In&, buf::Batch*& to) const;
  Counter classify(const wire::Ip4&, const buf::Packet&, In&, buf::Batch*& to) const;
  Counter local(const wire::Ip4&, Owner, In&, buf::Batch*& to) const;
  buf::Batch& through(const wire::Ip4&, const buf::Packet&, In&) const;
  template <bool clamps>
  void forward_each(buf::Batch& transit, Instant now, buf::Egresses& out);
  Counter obstacle(const wire::Ip4&, const NextHop&) const;
  void turn_back(buf::Packet&&, const NextHop&, Counter why, Instant now, buf::Egresses& out);
  void fragment_transit(buf::Packet&&, const NextHop&, Instant now, buf::Egresses& out);
  void clamp(const buf::Packet&, const wire::Ip4&, uint16_t to);
  void refuse(buf::Packet&&, Refusal, uint16_t mtu, Instant now, buf::Egresses& out);
  bool may_refuse(const buf::Packet&, const wire::Ip4&) const;
  void icmp_one(buf::Packet&&, Instant now, buf::Egresses& out, IcmpErrors& errors);
  void echo(buf::Packet&&, const wire::Ip4&, Instant now, buf::Egresses& out);
  Counter read_error(const wire::Icmp4&, IcmpError& out) const;
  Counter output_one(buf::Transmit&, Instant now, buf::Egresses& out);
  Counter output_fragmented(buf::Transmit&, uint16_t port, const IpAddr& next, Instant now,
                            buf::Egresses& out);
  const NextHop* way_to(Ip4Addr dst, Counter& why) const;
  Ip4Addr source_for(const NextHop&, Ip4Addr dst) const;

  const Options& options_;
  const uint16_t vrf_;
  std::vector<buf::Interface> ports_;
  bool clamps_;  // a port wants the MSS of SYNs lowered
  Addresses addresses_;
  std::shared_ptr<const Routes> routes_;
  Fragments& fragments_;
  Counters& count_;
  Rng& rng_;
  TokenBucket errors_;
  uint64_t flow_seed_;
};

}  // namespace sluice::ip
