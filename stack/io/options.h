// SPDX-License-Identifier: Apache-2.0
// What a user says of a port's device and of the bad line in front of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/instant.h"

namespace sluice::io {

// How a port gets its packets; every kind is a DPDK driver. `target` below names the thing:
enum class DeviceKind : uint8_t {
  pci,          // PCI address of a NIC bound to vfio-pci, or of a bifurcated driver (mlx5): 0000:3b:00.0
  virtio_user,  // path of the socket a vhost-user device serves
  vhost_user,   // path of the socket to serve
  tap,          // name of the interface to make
  af_packet,    // name of an interface that is there
  af_xdp,       // name of an interface that is there
  memif,        // path of the socket
  pcap,         // file to read packets from
  null,         // packets per burst the null device should make up; 0: none
  bond,         // how its members work together: active-backup or 802.3ad
  raw           // DPDK device arguments, as they are: net_ring0,...
};

struct DeviceOptions {
  DeviceKind kind = DeviceKind::null;
  std::string target;
  std::string args;                    // appended to the device arguments
  std::vector<DeviceOptions> members;  // of a bond: two or more of one kind, none of them a bond

  // What the packets come by.
  DeviceKind wire() const { return members.empty() ? kind : members.front().kind; }
};

// What a worker does when there is nothing to do.
enum class IdleMode : uint8_t {
  latency,   // polls on: a whole core, and no packet ever waits for a wake-up
  balanced,  // polls on for 50 us, then sleeps: until a packet comes where the driver tells, else up to 1 ms
  efficient  // sleeps at once, and longer: for machines where other things count more
};

// Impairment of a port, both directions alike; all zero: none.
struct ImpairOptions {
#define OPTION(type, name, dflt, least, most, help) type name = dflt;
#include "io/impair_options.def"
#undef OPTION
  bool any() const {
    return loss > 0 || duplicate > 0 || reorder > 0 || corrupt > 0 || delay.ns > 0 || jitter.ns > 0 ||
           rate > 0;
  }
};

}  // namespace sluice::io
