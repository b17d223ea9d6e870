// SPDX-License-Identifier: Apache-2.0
// The UDP room: RFC 768, RFC 1122 §4.1. Datagrams to the services that listen, answers back in the same
// packet. Knows no route, no service, no time.
#pragma once

#include <cstdint>
#include <vector>

#include "base/counters.h"
#include "buf/transmit.h"
#include "udp/options.h"
#include "wire/tuple.h"
#include "wire/udp.h"

namespace sluice::udp {

// A datagram for a service, which may write its answer over the payload: room() says how far.
struct Datagram {
  buf::Packet packet;
  MutBytes payload;  // in the packet; may be empty
  Tuple tuple;
  uint16_t service = 0;

  // The payload and all the room behind it in the packet.
  MutBytes room() const { return {payload.data(), payload.size() + packet.tailroom()}; }
};
using Datagrams = StaticVec<Datagram, buf::burst_size>;

class Udp {
 public:
  // `counters` outlives the room.
  Udp(const Options&, Counters&);

  // Datagrams to `port` at `local` (no address: at any of ours) of a VRF go to `service`; at start or between
  // bursts. False when somebody listens there already, the port is 0, or there are too many listeners.
  bool listen(const IpAddr& local, Port port, uint16_t service, uint16_t vrf = 0);

  // Datagrams of one VRF with l2_len and l3_len set, no padding behind; leaves `in` empty. `out` has room for
  // all. What nobody listens to is counted and put into `no_port`, for a port unreachable.
  void input(buf::Batch& in, Datagrams& out, buf::Batch& no_port, uint16_t vrf = 0);

  // Sends the first `length` octets of room() back to where the datagram came from. False (counted) when
  // there is not that much room. `out` has room for one.
  bool reply(Datagram&&, size_t length, buf::Transmits& out);
  // Sends a packet that starts at its payload, from tuple.local to tuple.remote; a local address of none: ip
  // chooses. False (counted) when there is no headroom, or the payload is too long for UDP.
  bool send(buf::Packet&& payload, const Tuple& tuple, buf::Transmits& out);

 private:
  struct Listener {
    IpAddr local;
    Port port;
    uint16_t service;
    uint16_t next;  // index + 1 of another at the same port; 0: none
    uint16_t vrf;
  };
  Counter verdict(buf::Packet&, uint16_t vrf, Datagram& out) const;
  const Listener* find(const Tuple&) const;

  const Options& options_;
  Counters& count_;
  std::vector<Listener> listeners_;
  std::vector<uint16_t> by_port_;  // port -> index + 1 of the first listener; 0: none
};

}  // namespace sluice::udp
