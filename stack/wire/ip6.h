// SPDX-License-Identifier: Apache-2.0
// The IPv6 header: RFC 8200 §3. What follows it is ip6_ext.h's.
#pragma once

#include "base/result.h"
#include "wire/field.h"
#include "wire/ip_addr.h"

namespace sluice::wire {

class Ip6 {
  static constexpr Field<uint32_t> f_first{0};  // version 4 bits, traffic class 8, flow label 20
  static constexpr Field<uint16_t> f_payload_length{4};
  static constexpr Field<uint8_t> f_next_header{6}, f_hop_limit{7};
  static constexpr Field<Ip6Addr> f_src{8}, f_dst{24};

 public:
  static constexpr size_t header_len = 40;
  static_assert(f_dst.end() == header_len);
  static constexpr size_t src_at = f_src.at, dst_at = f_dst.at;
  static constexpr size_t payload_length_at = f_payload_length.at, hop_limit_at = f_hop_limit.at;
  static constexpr uint16_t min_mtu = 1280;  // octets of a packet that every link carries: RFC 8200 §5

  // What we mean to send.
  struct Value {
    uint8_t traffic_class = 0;  // DSCP and ECN
    uint32_t flow_label = 0;    // 20 bits: RFC 6437
    uint16_t payload_length = 0;
    uint8_t next_header = 0;
    uint8_t hop_limit = 64;
    Ip6Addr src, dst;
  };

  // `b` starts at the header and may go on past the packet (Ethernet padding).
  static constexpr Result<Ip6> parse(Bytes b) {
    const auto header = parse_header(b);
    if (!header) return header;
    if (header->total_length() > b.size()) return Counter::ip6_truncated;
    return header;
  }
  // What parse() has proved before, in another room or in an earlier pass over the burst.
  static constexpr Ip6 proved(const uint8_t* header) { return Ip6{header}; }
  // Of a quotation (ICMPv6): the header must be whole, the packet need not be.
  static constexpr Result<Ip6> parse_header(Bytes b) {
    if (b.size() < header_len) return Counter::ip6_truncated;
    if (f_first.get(b.data()) >> 28 != 6) return Counter::ip6_version;
    return Ip6{b.data()};
  }

  constexpr uint8_t traffic_class() const { return static_cast<uint8_t>(f_first.get(p_) >> 20); }
  constexpr uint32_t flow_label() const { return f_first.get(p_) & 0xf'ffff; }
  constexpr size_t payload_length() const { return f_payload_length.get(p_); }
  constexpr size_t total_length() const { return header_len + payload_length(); }
  constexpr uint8_t next_header() const { return f_next_header.get(p_); }
  constexpr uint8_t hop_limit() const { return f_hop_limit.get(p_); }
  constexpr Ip6Addr src() const { return f_src.get(p_); }
  constexpr Ip6Addr dst() const { return f_dst.get(p_); }
  // Only of what parse() proved: extension headers and all.
  constexpr Bytes payload() const { return {p_ + header_len, payload_length()}; }
  constexpr Bytes whole() const { return {p_, total_length()}; }

  // Writes a header to `out`, which has room for header_len.
  static constexpr void emit(uint8_t* out, const Value& v) {
    f_first.set(out, 6u << 28 | static_cast<uint32_t>(v.traffic_class) << 20 | (v.flow_label & 0xf'ffff));
    f_payload_length.set(out, v.payload_length);
    f_next_header.set(out, v.next_header);
    f_hop_limit.set(out, v.hop_limit);
    f_src.set(out, v.src);
    f_dst.set(out, v.dst);
  }
  static constexpr void set_payload_length(uint8_t* header, size_t octets) {
    f_payload_length.set(header, static_cast<uint16_t>(octets));
  }
  static constexpr void set_ecn(uint8_t* header, uint8_t ecn) {
    header[1] = static_cast<uint8_t>((header[1] & 0xcf) | ecn << 4);
  }
  // One hop less; the limit is not 0.
  static constexpr void decrement_hop_limit(uint8_t* header) {
    f_hop_limit.set(header, static_cast<uint8_t>(f_hop_limit.get(header) - 1));
  }

 private:
  constexpr explicit Ip6(const uint8_t* p) : p_{p} {}
  const uint8_t* p_;
};

}  // namespace sluice::wire
