// SPDX-License-Identifier: Apache-2.0
// A port as the packet rooms need it: what its device can do, which addresses are ours there, which
// neighbours the user vouches for.
#pragma once

#include <span>
#include <vector>

#include "buf/port.h"
#include "wire/ip_addr.h"

namespace sluice::buf {

// Whether a packet's source must have a route, or one by the port that the packet came in by (RFC 3704).
enum class ReversePath : uint8_t { Off, Loose, Strict };

// What is left of the maximum segment size in SYNs that come or leave by a port.
struct MssClamp {
  bool to_mtu = false;  // what the MTUs of the ports by which the connection comes and leaves allow
  uint16_t most = 0;    // octets; 0: any
  constexpr bool on() const { return to_mtu || most != 0; }
  friend bool operator==(MssClamp, MssClamp) = default;
};

// Who has an address, said by the user: believed whatever the network says.
struct StaticNeighbour {
  IpAddr addr;
  Mac mac;
  friend bool operator==(const StaticNeighbour&, const StaticNeighbour&) = default;
};

struct Interface {
  PortCaps caps;
  std::vector<Prefix> addresses;  // 198.18.0.1/24: our address and the network it is connected to
  ReversePath reverse_path = ReversePath::Off;
  bool ip6 = false;    // speaks IPv6: has at least a link-local address
  bool slaac = false;  // follows router advertisements (RFC 4862)
  std::vector<StaticNeighbour> neighbours = {};
  uint16_t vrf = 0;  // whose routes and addresses its packets know; 0: the default one
  MssClamp mss_clamp = {};
};

// The ports as one VRF knows them: under their numbers, those of others with neither addresses nor IPv6, and
// nothing to clamp.
inline std::vector<Interface> of_vrf(std::span<const Interface> ports, uint16_t vrf) {
  std::vector<Interface> all{ports.begin(), ports.end()};
  for (Interface& i : all) {
    if (i.vrf == vrf) continue;
    i.addresses.clear();
    i.ip6 = i.slaac = false;
    i.mss_clamp = {};
  }
  return all;
}

// The address that reaches all hosts of an IPv4 prefix; none for /31 (RFC 3021) and /32.
constexpr Ip4Addr directed_broadcast(const Prefix& p) {
  if (!p.addr.is_v4() || p.length > 30) return {};
  return {p.addr.v4().v | ~Ip4Addr::mask(p.length).v};
}
static_assert(directed_broadcast({Ip4Addr::of(198, 18, 0, 1), 24}) == Ip4Addr::of(198, 18, 0, 255));

}  // namespace sluice::buf
