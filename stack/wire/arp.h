// SPDX-License-Identifier: Apache-2.0
// The ARP packet for IPv4 over Ethernet: RFC 826.
#pragma once

#include "base/result.h"
#include "wire/field.h"
#include "wire/ip_addr.h"
#include "wire/mac.h"

namespace sluice::wire {

enum class ArpOp : uint16_t { Request = 1, Reply = 2 };

class Arp {
  static constexpr Field<uint16_t> f_hardware{0}, f_protocol{2};
  static constexpr Field<uint8_t> f_hardware_len{4}, f_protocol_len{5};
  static constexpr Field<uint16_t> f_op{6};
  static constexpr Field<Mac> f_sender_mac{8};
  static constexpr Field<Ip4Addr> f_sender{14};
  static constexpr Field<Mac> f_target_mac{18};
  static constexpr Field<Ip4Addr> f_target{24};

 public:
  static constexpr size_t len = 28;
  static_assert(f_target.end() == len);

  // What we mean to send. A probe has sender 0, an announcement has sender == target (RFC 5227 §1.1).
  struct Value {
    ArpOp op = ArpOp::Request;
    Mac sender_mac;
    Ip4Addr sender;
    Mac target_mac;
    Ip4Addr target;
    friend constexpr bool operator==(const Value&, const Value&) = default;
  };

  // `b` starts at the ARP header; padding behind it is allowed. Hardware types other than Ethernet, protocols
  // other than IPv4 and operations other than request and reply are refused.
  static constexpr Result<Arp> parse(Bytes b) {
    if (b.size() < len) return Counter::arp_truncated;
    const uint8_t* p = b.data();
    if (f_hardware.get(p) != 1 || f_protocol.get(p) != 0x0800 || f_hardware_len.get(p) != 6 ||
        f_protocol_len.get(p) != 4)
      return Counter::arp_format;
    if (f_op.get(p) != 1 && f_op.get(p) != 2) return Counter::arp_format;
    return Arp{p};
  }
  constexpr ArpOp op() const { return static_cast<ArpOp>(f_op.get(p_)); }
  constexpr Mac sender_mac() const { return f_sender_mac.get(p_); }
  constexpr Ip4Addr sender() const { return f_sender.get(p_); }
  constexpr Ip4Addr target() const { return f_target.get(p_); }
  constexpr Value value() const { return {op(), sender_mac(), sender(), f_target_mac.get(p_), target()}; }

  // Writes `v` to `out`, which has room for len octets.
  static constexpr void emit(uint8_t* out, const Value& v) {
    f_hardware.set(out, 1);
    f_protocol.set(out, 0x0800);
    f_hardware_len.set(out, 6);
    f_protocol_len.set(out, 4);
    f_op.set(out, static_cast<uint16_t>(v.op));
    f_sender_mac.set(out, v.sender_mac);
    f_sender.set(out, v.sender);
    f_target_mac.set(out, v.target_mac);
    f_target.set(out, v.target);
  }

 private:
  constexpr explicit Arp(const uint8_t* p) : p_{p} {}
  const uint8_t* p_;
};

}  // namespace sluice::wire
