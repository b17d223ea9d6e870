// SPDX-License-Identifier: Apache-2.0
// The authoritative server as a function: a query becomes its answer, in place. RFC 1034 §4.3.2, RFC 1035 §4,
// RFC 2181, RFC 2308, RFC 4592, RFC 6891, RFC 8482, RFC 9471. Keeps no state between messages; knows no
// socket and no time.
#pragma once

#include "base/bytes.h"
#include "base/counters.h"
#include "base/result.h"
#include "dns/zones.h"

namespace sluice::dns {

struct Transport {
  enum class Kind : uint8_t { Udp, Tcp };

  Kind kind = Kind::Udp;
  size_t max_size = 65535;  // octets of an answer that this transport can carry, whatever the client takes
};

// The first `query_len` octets of `buffer` are one message, without TCP's length prefix. Puts the answer in
// their place, header and question staying where they are, and returns its length: at most buffer.size(),
// how.max_size and, over UDP, what the client takes. A message that deserves no answer leaves the buffer
// alone and yields the counter of its drop, which the caller adds; all else is counted here.
Result<size_t> answer(const Zones&, MutBytes buffer, size_t query_len, const Transport& how, Counters&);

}  // namespace sluice::dns
