// SPDX-License-Identifier: Apache-2.0
// What TCP connections through us may put into a segment, when a port asks for it (ports[].mss_clamp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "buf/interface.h"

namespace sluice::ip {

inline bool any_clamps_mss(std::span<const buf::Interface> ports) {
  return std::ranges::any_of(ports, [](const buf::Interface& i) { return i.mss_clamp.on(); });
}

// Of a SYN that comes by `in` and leaves by `out`; UINT16_MAX: neither port asks for anything. A port clamps
// what passes it in either direction: a SYN and its answer go opposite ways, and a user who knows of one
// narrow link has one port to say it of. `headers`: the IP header without options and TCP's without options,
// for the maximum segment size is reckoned as if there were none (RFC 9293 §3.7.1, RFC 6691 §2). A port's MTU
// is 68 at least, more than both.
inline uint16_t most_mss(const buf::Interface& in, const buf::Interface& out, uint16_t headers) {
  uint16_t most = UINT16_MAX;
  if (in.mss_clamp.to_mtu || out.mss_clamp.to_mtu)
    most = static_cast<uint16_t>(std::min(in.caps.mtu, out.caps.mtu) - headers);
  for (const buf::Interface* port : {&in, &out})
    if (port->mss_clamp.most != 0) most = std::min(most, port->mss_clamp.most);
  return most;
}

}  // namespace sluice::ip
