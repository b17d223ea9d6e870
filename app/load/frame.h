// SPDX-License-Identifier: Apache-2.0
// A frame that was made once and is written many times: headers, stamp and filling for one size, of which
// only addresses, ports, stamp and the two checksums change; the checksums follow from sums made beforehand
// (RFC 1071). Knows no device.
#pragma once

#include <cstdint>
#include <vector>

#include "app/load/stamp.h"
#include "wire/ip_addr.h"
#include "wire/mac.h"
#include "wire/port.h"

namespace sluice::load {

// What stands behind the IP header.
enum class Carrier : uint8_t {
  Udp,   // RFC 768
  Echo,  // an ICMP echo request, RFC 792, which any host answers
  Bare   // nothing: protocol 253, for experiments (RFC 3692 §2.1)
};

class Frame {
 public:
  struct Place {
    Ip4Addr src, dst;
    Port src_port, dst_port;  // Echo: identifier and sequence number
  };
  // What came, as it should be.
  enum class Verdict : uint8_t { Ours, Damaged, Strange };

  static constexpr uint16_t check_sequence = 4;  // octets, which no device shows us
  // The smallest size (check sequence included) that holds a stamp.
  static constexpr uint16_t least(Carrier c) {
    return static_cast<uint16_t>(14 + 20 + (c == Carrier::Bare ? 0 : 8) + Stamp::size + check_sequence);
  }

  // `size`: octets of the frame with its check sequence, at least least(c) and 64.
  Frame(Carrier c, uint16_t size, const Mac& src, const Mac& dst);

  uint16_t length() const { return static_cast<uint16_t>(octets_.size()); }  // without the check sequence
  // Writes the frame to `out`, which has room for length() octets.
  void write(uint8_t* out, const Place&, const Stamp&) const;
  // Looks at a received frame of length() octets: whether it is one of these, every octet as it was sent but
  // for what routers and translators may change. `stamp` is its stamp when it is Ours.
  Verdict look(Bytes frame, Stamp& stamp) const;

 private:
  size_t stamp_at() const { return carrier_ == Carrier::Bare ? 34 : 42; }

  Carrier carrier_;
  std::vector<uint8_t> octets_;
  uint64_t ip_sum_ = 0;  // of the words of the IP header that stay
  uint64_t l4_sum_ = 0;  // of those behind it, pseudo-header included
};

}  // namespace sluice::load
