// SPDX-License-Identifier: Apache-2.0
// EDNS(0): the OPT pseudo-record. RFC 6891 §6.1. Options inside it are checked for form and otherwise passed
// over.
#pragma once

#include "dns/message.h"

namespace sluice::dns {

constexpr size_t opt_len = 11;  // octets of an OPT record without options: root, type, class, TTL, RDLENGTH

struct Edns {
  uint16_t udp_payload = udp_plain_max;  // octets the sender takes
  uint8_t extended_rcode = 0;            // upper eight bits of the response code
  uint8_t version = 0;
  bool dnssec_ok = false;  // RFC 3225

  // Reads an OPT whose owner stands at `owner_at`. Counter::dns_bad_opt unless the owner is the root and the
  // options fill the rdata exactly (RFC 6891 §6.1.2).
  static Result<Edns> parse(Bytes message, size_t owner_at, const RecordView& r) {
    if (message[owner_at] != 0) return Counter::dns_bad_opt;
    for (Bytes rest = r.rdata; !rest.empty();) {
      if (rest.size() < 4) return Counter::dns_bad_opt;
      const size_t option = 4u + load_be<uint16_t>(rest.data() + 2);
      if (rest.size() < option) return Counter::dns_bad_opt;
      rest = rest.subspan(option);
    }
    return Edns{static_cast<uint16_t>(r.rclass), static_cast<uint8_t>(r.ttl >> 24),
                static_cast<uint8_t>(r.ttl >> 16), (r.ttl & 0x8000) != 0};
  }

  // Writes it, without options, to the opt_len octets at `p`.
  void emit(uint8_t* p) const {
    p[0] = 0;
    store_be(p + 1, static_cast<uint16_t>(Type::Opt));
    store_be(p + 3, udp_payload);
    p[5] = extended_rcode;
    p[6] = version;
    store_be<uint16_t>(p + 7, dnssec_ok ? 0x8000 : 0);
    store_be<uint16_t>(p + 9, 0);
  }
};

}  // namespace sluice::dns
