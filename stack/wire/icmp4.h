// SPDX-License-Identifier: Apache-2.0
// ICMP for IPv4: RFC 792, with the next-hop MTU of RFC 1191 §4.
#pragma once

#include "base/result.h"
#include "wire/checksum.h"
#include "wire/field.h"

namespace sluice::wire {

enum class Icmp4Type : uint8_t {
  EchoReply = 0,
  Unreachable = 3,
  SourceQuench = 4,
  Redirect = 5,
  Echo = 8,
  TimeExceeded = 11,
  ParameterProblem = 12,
};

// Codes of Unreachable: RFC 792, RFC 1812 §5.2.7.1.
enum class Icmp4Unreachable : uint8_t {
  Net = 0,
  Host = 1,
  Protocol = 2,
  Port = 3,
  FragmentationNeeded = 4,
  Prohibited = 13,
};

class Icmp4 {
  static constexpr Field<uint8_t> f_type{0}, f_code{1};
  static constexpr Field<uint16_t> f_checksum{2}, f_mtu{6};

 public:
  static constexpr size_t header_len = 8;
  static_assert(f_mtu.end() == header_len);

  // `b` is the whole message: its checksum covers all of it.
  static Result<Icmp4> parse(Bytes b) {
    if (b.size() < header_len) return Counter::icmp_truncated;
    if (Sum{}.add(b).folded() != 0xffff) return Counter::icmp_checksum;
    return Icmp4{b};
  }
  constexpr Icmp4Type type() const { return static_cast<Icmp4Type>(f_type.get(b_.data())); }
  constexpr uint8_t code() const { return f_code.get(b_.data()); }
  // Of Unreachable, code FragmentationNeeded; 0 from routers older than RFC 1191.
  constexpr uint16_t mtu() const { return f_mtu.get(b_.data()); }
  constexpr Bytes body() const { return b_.subspan(header_len); }  // what an error quotes

  // RFC 1122 §3.2.2: messages that report an error, and about which none is sent.
  static constexpr bool is_error(uint8_t type) {
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
  }

  // Turns a valid echo request into its reply, in place: type 8 becomes 0, and the checksum follows. The
  // update cannot tell a message of zeros only, whose checksum is 0xffff, from one whose sum is 0xffff.
  static void echo_to_reply(MutBytes message) {
    uint8_t* p = message.data();
    const auto was = load_be<uint16_t>(p);
    f_type.set(p, static_cast<uint8_t>(Icmp4Type::EchoReply));
    f_checksum.set(p, update(f_checksum.get(p), was, load_be<uint16_t>(p)));
    if (f_checksum.get(p) == 0) f_checksum.set(p, Sum{}.add(message).checksum());
  }
  // Writes an error's header in front of what it quotes: `message` is header and quotation.
  static void emit_error(MutBytes message, Icmp4Type type, uint8_t code, uint16_t mtu) {
    uint8_t* p = message.data();
    f_type.set(p, static_cast<uint8_t>(type));
    f_code.set(p, code);
    store_be<uint32_t>(p + 4, mtu);
    f_checksum.set(p, 0);
    f_checksum.set(p, Sum{}.add(message).checksum());
  }

 private:
  constexpr explicit Icmp4(Bytes b) : b_{b} {}
  Bytes b_;
};

}  // namespace sluice::wire
