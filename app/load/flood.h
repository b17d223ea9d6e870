// SPDX-License-Identifier: Apache-2.0
// SYNs to one place from random addresses of a network, random ports and sequence numbers: what a SYN flood
// looks like. Knows no device.
#pragma once

#include <array>
#include <cstdint>

#include "app/load/headers.h"
#include "app/load/numbers.h"
#include "base/rng.h"
#include "wire/ip_addr.h"
#include "wire/mac.h"
#include "wire/port.h"
#include "wire/tcp.h"

namespace sluice::load {

class Flood {
 public:
  // Of `server`'s family, as are the sources.
  Flood(const Mac& src, const Mac& dst, const IpAddr& server, Port port, const Prefix& sources);

  // Ethernet, IP, TCP and an MSS option (as every real SYN has one), and no less than an Ethernet frame has.
  uint16_t length() const;
  // Writes another one to `out`, which has room for length() octets.
  void write(uint8_t* out, Rng& rng) const;

 private:
  static constexpr uint8_t options = 4;  // octets
  static constexpr uint16_t tcp_length = wire::Tcp::header_len + options;

  Headers headers_;
  IpAddr server_;
  std::array<uint8_t, tcp_length> tcp_{};
  Number network_, hosts_;  // hosts_: the bits that vary
  uint64_t tcp_sum_;
};

}  // namespace sluice::load
