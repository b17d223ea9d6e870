// SPDX-License-Identifier: Apache-2.0
// A query as the server sees it: header bits, question, EDNS. RFC 1035 §4.1, RFC 6891 §6.1.1, RFC 9619 (one
// question).
#pragma once

#include "dns/edns.h"
#include "dns/folded_name.h"
#include "dns/message.h"

namespace sluice::dns {

struct Query {
  FoldedName name;
  Type type{};
  Class qclass{};
  size_t question_end =
      header_len;  // what of the message is echoed; header_len while there is no sound question
  bool has_edns = false;
  Edns edns;

  // Reads a message of at least header_len octets. NoError; or FormErr, then what was sound up to the fault
  // is there.
  Rcode parse(Bytes message) {
    const Header h = *Header::parse(message);
    if (h.qdcount() != 1 || !parse_question(message)) return Rcode::FormErr;
    const unsigned others = h.ancount() + h.nscount();
    if (others + h.arcount() == 0) return message.size() == question_end ? Rcode::NoError : Rcode::FormErr;
    return parse_records(message, others, h.arcount());
  }

 private:
  bool parse_question(Bytes message) {
    // A pointer has nothing sound to point at before the first name, so fold() refuses it.
    if (!name.fold(message.subspan(header_len))) return false;
    const size_t at = header_len + name.len();
    if (message.size() - at < 4) return false;
    type = static_cast<Type>(load_be<uint16_t>(&message[at]));
    qclass = static_cast<Class>(load_be<uint16_t>(&message[at + 2]));
    question_end = at + 4;
    return true;
  }

  Rcode parse_records(Bytes message, unsigned others, unsigned additional) {
    size_t at = question_end;
    for (unsigned i = 0; i < others + additional; ++i) {
      const auto r = read_record(message, at);
      if (!r) return Rcode::FormErr;
      if (r->type == Type::Opt) {
        const auto opt = Edns::parse(message, at, *r);
        if (i < others || has_edns || !opt) return Rcode::FormErr;
        has_edns = true;
        edns = *opt;
      }
      at = r->end;
    }
    return at == message.size() ? Rcode::NoError : Rcode::FormErr;
  }
};

}  // namespace sluice::dns
