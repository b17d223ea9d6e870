// SPDX-License-Identifier: Apache-2.0
// The room between frames and IP packets: Ethernet II both ways, and the MAC addresses of neighbours by ARP
// (RFC 826, RFC 1122 §2.3.2, RFC 5227) and Neighbour Discovery (RFC 4861). Knows no route and no transport.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/instant.h"
#include "base/lines.h"
#include "base/rng.h"
#include "base/token_bucket.h"
#include "buf/interface.h"
#include "buf/pool.h"
#include "buf/transmit.h"
#include "link/message.h"
#include "link/nd.h"
#include "link/neighbour.h"
#include "link/options.h"
#include "link/own_address.h"
#include "link/tx_out.h"
#include "wire/arp.h"
#include "wire/ethernet.h"

namespace sluice::link {

// What input() found. Frames in `ip4` and `ip6` have l2_len set; their first segment holds the whole frame.
struct In {
  buf::Batch ip4, ip6, arp;
};

// What makes a port speak IPv6 beyond having addresses.
struct Ip6Plan {
  const NdOptions& options;
  std::span<const Advertise> advertise;  // [port], or empty
  bool router = true;                    // we forward
};

class Link {
 public:
  // `options`, `pool`, `counters` and `rng` outlive the room. `writer`: this worker keeps the neighbours (one
  // worker does); the others send it their wishes and follow what it says.
  Link(const Options&, std::span<const buf::Interface>, bool writer, buf::PacketPool&, Counters&, Rng&,
       const Ip6Plan& = {.options = default_nd});

  // Other addresses, static neighbours and advertisements; between two bursts. Ports keep their numbers, more
  // may follow; a port that is no more has no addresses and speaks no IPv6. Connections and neighbours that
  // the change does not concern are untouched. `advertise`: [port], or empty.
  void change(std::span<const buf::Interface>, std::span<const Advertise> advertise, Instant now, TxOut&);

  // Sorts frames received by `port`, which leaves `frames` empty. `out` has room for all of them.
  void input(uint16_t port, buf::Batch& frames, In& out);
  // Takes part in ARP with the frames of input(): answers, learns, lets waiting packets go. Leaves `frames`
  // empty. On a worker that is not the writer they die, counted.
  void arp(buf::Batch& frames, Instant now, TxOut&);
  // Takes part in Neighbour Discovery and MLD with ICMPv6 packets that ip has found valid as such (checksum,
  // hop limit, code; RFC 4861 §6.1, §7.1); l2_len and l3_len are set. Leaves `packets` empty.
  void nd(buf::Batch& packets, Instant now, TxOut&);
  // Finds each packet's MAC and sends it, or lets it wait for one. Leaves `packets` empty.
  void output(buf::Egresses& packets, Instant now, TxOut&);
  // Packets (counted) whose next hop does not answer, for an ICMP error; as many as `out` has room for.
  void take_failed(buf::Egresses& out);

  // Does what is due: requests again, gives up, forgets, probes, announces. A bounded amount a call:
  // afterwards deadline() may still be in the past.
  void expire(Instant now, TxOut&);
  // When expire() wants to be called; it is due at once after construction.
  Instant deadline() const;

  // What this worker has to tell the others; each message says to whom.
  void take_messages(Messages& out);
  void on_message(const Message&, Instant now, TxOut&);
  // What became true or false of our IPv6 addresses and networks since the last call.
  void take_changes(AddressChanges& out);
  // Says to IPv6 hosts that we are no router any more.
  void farewell(Instant now, TxOut&);

  const Neighbours& neighbours() const { return neighbours_; }
  // Empty unless this worker is the writer.
  std::span<const OwnAddress> own_addresses() const { return own_; }
  const Nd& ip6() const { return nd_; }

 private:
  // A neighbour's MAC as output() found it last; valid while nothing in the table has changed.
  struct Cached {
    IpAddr addr;
    uint64_t epoch = 0;
    Instant until;
    uint16_t port = 0;
    std::array<uint8_t, wire::Ethernet::header_len> header;  // of an IPv4 frame to it
  };

  Counter verdict(uint16_t port, const buf::Packet&) const;
  void send(buf::Packet&&, uint16_t port, const Mac& dst, wire::EtherType, TxOut&);
  void resolve(buf::Egress&&, Cached&, Instant now, TxOut&);
  bool group_mac(uint16_t port, const IpAddr&, Mac& out) const;

  void pin(uint16_t port, const buf::StaticNeighbour&, Instant now, TxOut*);
  bool vouched_for(const Neighbour&, const Mac& claimed);
  void ask(Neighbour&, Instant now, TxOut&);
  void verify(Neighbour&, Instant now, TxOut&);
  void learn(Neighbour&, const Mac&, bool solicited, Instant now, TxOut&);
  void give_up(Neighbour&);
  void retry(NeighbourState, Instant now, TxOut&);
  void forget(NeighbourState, Instant now);
  void tell(Message::Kind, const Neighbour&);

  void on_arp(buf::Packet&&, Instant now, TxOut&);
  void on_request(buf::Packet&&, const wire::Arp::Value&, Instant now, TxOut&);
  void on_reply(buf::Packet&&, const wire::Arp::Value&, Instant now, TxOut&);
  void hear(uint16_t port, const wire::Arp::Value&, bool to_us, Instant now, TxOut&);
  bool conflicts(uint16_t port, const wire::Arp::Value&, Instant now, TxOut&);
  bool send_arp(uint16_t port, const Mac& to, const wire::Arp::Value&, TxOut&);
  void act(OwnAddress&, OwnAddress::Action, TxOut&);
  OwnAddress* own(uint16_t port, Ip4Addr);
  const OwnAddress* sender_for(uint16_t port, Ip4Addr target) const;
  bool on_link(uint16_t port, Ip4Addr) const;

  // neighbours6.cc
  void on_nd(buf::Packet&&, Instant now, TxOut&);
  void on_solicitation(uint16_t port, const Ip6Addr& src, const Ip6Addr& dst, const wire::NeighbourMessage&,
                       Instant now, TxOut&);
  void on_advertisement(uint16_t port, const wire::NeighbourMessage&, Instant now, TxOut&);
  void hear6(uint16_t port, const Ip6Addr& who, const Mac&, Instant now, TxOut&);
  void ask6(Neighbour&, TxOut&, Instant now);
  void say(buf::Egress&&, Instant now, TxOut&);

  static const NdOptions default_nd;
  const Options& options_;
  std::vector<buf::Interface> ports_;
  bool writer_;
  buf::PacketPool& pool_;
  Counters& count_;
  Rng& rng_;
  Neighbours neighbours_;
  TokenBucket requests_;
  LineVector<OwnAddress> own_;
  Nd nd_;
  Messages told_;
  uint64_t epoch_ = 1;  // counts changes of the table
  std::array<Cached, 64> cache_;
};

}  // namespace sluice::link
