// SPDX-License-Identifier: Apache-2.0
// A port as a worker sees it: one queue pair of a device, a decorator around one, or memory in a test.
#pragma once

#include <cstdint>

#include "buf/packet.h"
#include "wire/mac.h"

namespace sluice::buf {

// What a device was found to do for us; what it cannot, the stack does in software.
struct PortCaps {
  Mac mac;
  uint16_t mtu = 1500;  // octets of an IP packet
  bool rx_ip_checksum = false, rx_l4_checksum = false;
  bool tx_ip_checksum = false, tx_l4_checksum = false;  // L4: both TCP and UDP
  bool tx_multi_segment = false;                        // takes chained mbufs
  bool tcp_segmentation = false;                        // TSO for IPv4; implies chains and L4 checksums
  bool tcp_segmentation6 = false;                       // the same for IPv6
  uint16_t sums_from = 0;  // octets of a transport's packet from which its checksum is worth asking for
  bool tx_vlan = false;    // puts a VLAN tag in front
};

class NetPort {
 public:
  virtual ~NetPort() = default;
  // Fills `in`, which is empty, with at most its capacity. Never waits.
  virtual void rx(Batch& in) = 0;
  // Takes all of `out`: what the device has no room for is dropped and counted. Never waits.
  virtual void tx(Batch& out) = 0;
  // Takes from the front of `out` what the device has room for and leaves the rest, in order, for another
  // time; a port that cannot tell takes all. For senders that would rather wait than lose.
  virtual void offer(Batch& out) { tx(out); }
  // A received frame, its l2_len set, whose flow could not be told when it was received: a fragment that
  // knows its flow by now, or a datagram put together. True: the packet was another worker's, which will
  // receive it.
  virtual bool pass_on(Packet&) { return false; }
};

}  // namespace sluice::buf
