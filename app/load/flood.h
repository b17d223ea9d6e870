// SPDX-License-Identifier: Apache-2.0
// SYNs to one place from random addresses of a network, random ports and sequence numbers: what a SYN flood
// looks like. Knows no device.
#pragma once

#include <array>
#include <cstdint>

#include "base/rng.h"
#include "wire/ip_addr.h"
#include "wire/mac.h"
#include "wire/port.h"

namespace sluice::load {

class Flood {
 public:
  // Ethernet, IP, TCP and an MSS option (as every real SYN has one), padded to the least an Ethernet frame
  // has.
  static constexpr uint16_t length = 60;

  Flood(const Mac& src, const Mac& dst, Ip4Addr server, Port port, const Prefix& sources);

  // Writes another one to `out`, which has room for `length` octets.
  void write(uint8_t* out, Rng& rng) const;

 private:
  std::array<uint8_t, length> octets_{};
  uint32_t network_, hosts_;  // hosts_: the bits that vary
  uint64_t ip_sum_, tcp_sum_;
};

}  // namespace sluice::load
