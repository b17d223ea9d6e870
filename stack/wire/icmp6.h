// SPDX-License-Identifier: Apache-2.0
// ICMPv6: RFC 4443. Neighbour Discovery's bodies are nd.h's, MLD's are mld.h's.
#pragma once

#include "base/result.h"
#include "wire/checksum.h"
#include "wire/field.h"

namespace sluice::wire {

enum class Icmp6Type : uint8_t {
  Unreachable = 1,
  PacketTooBig = 2,
  TimeExceeded = 3,
  ParameterProblem = 4,
  Echo = 128,
  EchoReply = 129,
  MldQuery = 130,
  MldReport = 131,
  MldDone = 132,
  RouterSolicitation = 133,
  RouterAdvertisement = 134,
  NeighbourSolicitation = 135,
  NeighbourAdvertisement = 136,
  Redirect = 137,
  Mld2Report = 143,
};

// Codes of Unreachable: RFC 4443 §3.1.
enum class Icmp6Unreachable : uint8_t {
  NoRoute = 0,
  Prohibited = 1,
  BeyondScope = 2,
  Address = 3,
  Port = 4,
  SourcePolicy = 5,
  RejectRoute = 6
};
// Codes of Parameter Problem: RFC 4443 §3.4.
enum class Icmp6Problem : uint8_t {
  Header = 0,
  NextHeader = 1,
  Option = 2,
  FirstFragment = 3
};  // 3: RFC 7112 §5

class Icmp6 {
  static constexpr Field<uint8_t> f_type{0}, f_code{1};
  static constexpr Field<uint16_t> f_checksum{2};
  static constexpr Field<uint32_t> f_word{4};

 public:
  static constexpr size_t header_len = 8;  // of errors and echoes; all messages have at least 4
  static constexpr size_t checksum_at = f_checksum.at;
  static_assert(f_word.end() == header_len);

  // `b` is the whole message: its checksum covers all of it and the pseudo-header (§2.3).
  static Result<Icmp6> parse(Bytes b, const Ip6Addr& src, const Ip6Addr& dst) {
    if (b.size() < header_len) return Counter::icmp6_truncated;
    if (pseudo_header(src, dst, 58, static_cast<uint32_t>(b.size())).add(b).folded() != 0xffff)
      return Counter::icmp6_checksum;
    return Icmp6{b};
  }
  // Of a message whose checksum somebody else has seen to.
  static constexpr Result<Icmp6> parse_unchecked(Bytes b) {
    if (b.size() < header_len) return Counter::icmp6_truncated;
    return Icmp6{b};
  }
  constexpr Icmp6Type type() const { return static_cast<Icmp6Type>(f_type.get(b_.data())); }
  constexpr uint8_t code() const { return f_code.get(b_.data()); }
  constexpr uint32_t mtu() const { return f_word.get(b_.data()); }      // of PacketTooBig
  constexpr uint32_t pointer() const { return f_word.get(b_.data()); }  // of ParameterProblem
  constexpr Bytes body() const { return b_.subspan(header_len); }       // what an error quotes
  constexpr Bytes whole() const { return b_; }

  static constexpr bool is_error(uint8_t type) { return type < 128; }  // §2.1

  // Writes an error's header in front of what it quotes; `message` is header and quotation. The checksum
  // field is left 0, for seal().
  static constexpr void emit_error(MutBytes message, Icmp6Type type, uint8_t code, uint32_t word) {
    f_type.set(message.data(), static_cast<uint8_t>(type));
    f_code.set(message.data(), code);
    f_checksum.set(message.data(), 0);
    f_word.set(message.data(), word);
  }
  // Turns a valid echo request into its reply, in place; for seal().
  static constexpr void echo_to_reply(MutBytes message) {
    f_type.set(message.data(), static_cast<uint8_t>(Icmp6Type::EchoReply));
    f_checksum.set(message.data(), 0);
  }
  // Fills in the checksum of a finished message whose field is 0.
  static void seal(MutBytes message, const Ip6Addr& src, const Ip6Addr& dst) {
    f_checksum.set(
        message.data(),
        pseudo_header(src, dst, 58, static_cast<uint32_t>(message.size())).add(message).checksum());
  }

 private:
  constexpr explicit Icmp6(Bytes b) : b_{b} {}
  Bytes b_;
};

}  // namespace sluice::wire
