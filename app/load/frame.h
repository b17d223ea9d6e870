// SPDX-License-Identifier: Apache-2.0
// A frame that was made once and is written many times: headers, stamp and filling for one size, of which
// only addresses, ports, stamp and the checksums change; those follow from sums made beforehand (RFC 1071).
// Knows no device.
#pragma once

#include <cstdint>
#include <vector>

#include "app/load/headers.h"
#include "app/load/stamp.h"
#include "wire/ip_addr.h"
#include "wire/mac.h"
#include "wire/port.h"

namespace sluice::load {

// What stands behind the IP header.
enum class Carrier : uint8_t {
  Udp,   // RFC 768
  Echo,  // an ICMP echo request, RFC 792 and RFC 4443 §4.1, which any host answers
  Bare   // nothing: protocol 253, for experiments (RFC 3692 §2.1)
};

class Frame {
 public:
  struct Place {
    IpAddr src, dst;          // of the frame's family
    Port src_port, dst_port;  // Echo: identifier and sequence number
  };
  // What came, as it should be.
  enum class Verdict : uint8_t { Ours, Damaged, Strange };

  static constexpr uint16_t check_sequence = 4;  // octets, which no device shows us
  static constexpr uint16_t smallest = 64;       // Ethernet's least
  // The smallest size (check sequence included) that holds a stamp.
  static constexpr uint16_t least(Carrier c, bool four) {
    const auto octets = static_cast<uint16_t>(Headers::size_of(four) + (c == Carrier::Bare ? 0 : 8) +
                                              Stamp::size + check_sequence);
    return octets < smallest ? smallest : octets;
  }

  // `size`: octets of the frame with its check sequence, at least least(c, four).
  Frame(Carrier c, bool four, uint16_t size, const Mac& src, const Mac& dst);

  // Without the check sequence.
  uint16_t length() const { return static_cast<uint16_t>(headers_.size() + octets_.size()); }
  // Writes the frame to `out`, which has room for length() octets.
  void write(uint8_t* out, const Place&, const Stamp&) const;
  // Looks at a received frame of length() octets: whether it is one of these, every octet as it was sent but
  // for what routers and translators may change. `stamp` is its stamp when it is Ours. IPv6 has no checksum
  // of its own: damage to the addresses of a Bare one is for the destination to find.
  Verdict look(Bytes frame, Stamp& stamp) const;

 private:
  size_t stamp_at() const { return carrier_ == Carrier::Bare ? 0 : 8; }  // in octets_
  bool of_ours(const uint8_t* frame) const;
  bool good_header(const uint8_t* frame) const;
  bool sums_addresses() const { return carrier_ == Carrier::Udp || !headers_.four(); }

  Carrier carrier_;
  uint8_t proto_, request_, reply_;  // Echo: the types
  Headers headers_;
  std::vector<uint8_t> octets_;  // behind the IP header
  uint64_t l4_sum_ = 0;          // of their words that stay, pseudo-header included
};

}  // namespace sluice::load
