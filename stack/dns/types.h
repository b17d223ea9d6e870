// SPDX-License-Identifier: Apache-2.0
// The numbers of DNS: types, classes, opcodes, response codes. RFC 1035 §3.2, §4.1.1; RFC 6895. Knows no
// message.
#pragma once

#include <cstdint>

namespace sluice::dns {

// TYPE and QTYPE. A number without an enumerator is still a valid type (RFC 3597).
enum class Type : uint16_t {
  A = 1,
  Ns = 2,
  Cname = 5,
  Soa = 6,
  Ptr = 12,
  Mx = 15,
  Txt = 16,
  Aaaa = 28,
  Srv = 33,    // RFC 2782
  Dname = 39,  // RFC 6672
  Opt = 41,    // RFC 6891
  Ds = 43,     // RFC 4034 §5
  Tkey = 249,
  Tsig = 250,
  Ixfr = 251,
  Axfr = 252,
  Mailb = 253,
  Maila = 254,
  Any = 255,
  Caa = 257,  // RFC 8659
};

// RFC 6895 §3.1: 128-255 are meta-types and QTYPEs; no zone holds data of them. OPT is the one outside that
// range.
constexpr bool is_data(Type t) {
  const auto n = static_cast<uint16_t>(t);
  return n != 0 && t != Type::Opt && (n < 128 || n > 255);
}

enum class Class : uint16_t { In = 1, Ch = 3, Hs = 4, None = 254, Any = 255 };

enum class Opcode : uint8_t { Query = 0, Iquery = 1, Status = 2, Notify = 4, Update = 5 };

// The twelve bits that header and OPT carry together (RFC 6891 §6.1.3).
enum class Rcode : uint16_t {
  NoError = 0,
  FormErr = 1,
  ServFail = 2,
  NxDomain = 3,
  NotImp = 4,
  Refused = 5,
  BadVers = 16,
};

}  // namespace sluice::dns
