// SPDX-License-Identifier: Apache-2.0
// What crosses between rooms on the way out: a transport's packet looking for a route, a routed packet
// looking for a MAC.
#pragma once

#include "buf/packet.h"
#include "wire/tuple.h"

namespace sluice::buf {

// From a transport to ip: `packet` starts at its transport header, l4_len is set, the checksum field is zero
// and left to ip, which knows what the egress port can do.
struct Transmit {
  Packet packet;
  IpAddr src, dst;  // src none: ip chooses
  IpProto proto = IpProto::Udp;
  uint8_t tos = 0;  // DSCP and ECN as they stand in the header
  uint8_t ttl = 64;
  uint16_t segment_size =
      0;             // not 0: more than one segment's worth of TCP text, to be cut by the device (TSO)
  uint16_t vrf = 0;  // whose routes and addresses it is for
};

// From ip to link: `packet` starts at its IP header.
struct Egress {
  Packet packet;
  uint16_t port = 0;  // index
  IpAddr next_hop;    // whose MAC is wanted; a multicast or broadcast address maps to a group MAC
};

using Transmits = StaticVec<Transmit, burst_size>;
using Egresses = StaticVec<Egress, burst_size>;

}  // namespace sluice::buf
