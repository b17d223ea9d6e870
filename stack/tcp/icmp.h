// SPDX-License-Identifier: Apache-2.0
// What an ICMP error says about a segment of ours. Anybody may have sent it: RFC 5927 says how far to
// believe.
#pragma once

#include <cstdint>

#include "wire/seq_num.h"
#include "wire/tuple.h"

namespace sluice::tcp {

struct IcmpNews {
  enum class Kind : uint8_t {
    Soft,   // may pass: noted, no more (RFC 1122 §4.2.3.9)
    Hard,   // nobody is there: ends what is being opened, and nothing else (RFC 5927 §5.2)
    TooBig  // for some link on the way (RFC 1191)
  };
  Tuple tuple;  // as we see the flow: local is ours
  SeqNum sequence;
  Kind kind = Kind::Soft;
  uint16_t mtu = 0;  // TooBig: what fits; 0: the router did not say
};

// RFC 1191 §7.1: a router that does not say what fits leaves us to try the next size seen on links.
constexpr uint16_t next_plateau(uint32_t mtu) {
  for (const uint16_t p : {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296})
    if (p < mtu) return p;
  return 68;
}
static_assert(next_plateau(1500) == 1492 && next_plateau(1492) == 1006 && next_plateau(100) == 68);

}  // namespace sluice::tcp
