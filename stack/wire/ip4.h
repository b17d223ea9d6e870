// SPDX-License-Identifier: Apache-2.0
// The IPv4 header: RFC 791, with the checks of RFC 1122 §3.2.1 and RFC 1812 §5.2.2.
#pragma once

#include "base/result.h"
#include "wire/checksum.h"
#include "wire/field.h"
#include "wire/ip_addr.h"

namespace sluice::wire {

class Ip4 {
  static constexpr Field<uint8_t> f_version_ihl{0}, f_tos{1};
  static constexpr Field<uint16_t> f_total_length{2}, f_id{4}, f_fragment{6};
  static constexpr Field<uint8_t> f_ttl{8}, f_proto{9};
  static constexpr Field<uint16_t> f_checksum{10};
  static constexpr Field<Ip4Addr> f_src{12}, f_dst{16};

 public:
  static constexpr size_t src_at = f_src.at, dst_at = f_dst.at;
  static constexpr size_t min_header_len = 20;
  static_assert(f_dst.end() == min_header_len);

  // What we mean to send; no options.
  struct Value {
    uint8_t tos = 0;
    uint16_t total_length = 0;
    uint16_t id = 0;
    bool dont_fragment = false;
    uint8_t ttl = 64;
    uint8_t proto = 0;
    Ip4Addr src, dst;
  };

  // `b` starts at the header and may go on past the datagram (Ethernet padding). The checksum is a matter of
  // its own: good_checksum(), or a device's verdict.
  static constexpr Result<Ip4> parse(Bytes b) {
    const auto header = parse_header(b);
    if (!header) return header;
    if (header->total_length() > b.size()) return Counter::ip_truncated;
    return header;
  }
  // What parse() has proved before, in another room or in an earlier pass over the burst.
  static constexpr Ip4 proved(const uint8_t* header) { return Ip4{header}; }
  // Of a quotation (ICMP): the header must be whole, the datagram need not be.
  static constexpr Result<Ip4> parse_header(Bytes b) {
    if (b.size() < min_header_len) return Counter::ip_truncated;
    const uint8_t* p = b.data();
    if (f_version_ihl.get(p) >> 4 != 4) return Counter::ip_version;
    const size_t ihl = (f_version_ihl.get(p) & 15u) * 4u;
    if (ihl < min_header_len || ihl > f_total_length.get(p)) return Counter::ip_length;
    if (ihl > b.size()) return Counter::ip_truncated;
    return Ip4{p};
  }

  bool good_checksum() const {
    if (header_len() == min_header_len) [[likely]]
      return good_checksum_of_20(p_);
    return Sum{}.add(Bytes{p_, header_len()}).folded() == 0xffff;
  }

  constexpr size_t header_len() const { return (f_version_ihl.get(p_) & 15u) * 4u; }  // 20 to 60
  constexpr uint8_t tos() const { return f_tos.get(p_); }
  constexpr size_t total_length() const { return f_total_length.get(p_); }
  constexpr uint16_t id() const { return f_id.get(p_); }
  constexpr bool dont_fragment() const { return (f_fragment.get(p_) & 0x4000) != 0; }
  constexpr bool more_fragments() const { return (f_fragment.get(p_) & 0x2000) != 0; }
  constexpr size_t fragment_offset() const { return (f_fragment.get(p_) & 0x1fffu) * 8u; }
  constexpr bool is_fragment() const { return (f_fragment.get(p_) & 0x3fff) != 0; }
  constexpr uint8_t ttl() const { return f_ttl.get(p_); }
  constexpr uint8_t proto() const { return f_proto.get(p_); }
  constexpr uint16_t checksum() const { return f_checksum.get(p_); }
  constexpr Ip4Addr src() const { return f_src.get(p_); }
  constexpr Ip4Addr dst() const { return f_dst.get(p_); }
  constexpr Bytes header() const { return {p_, header_len()}; }
  constexpr Bytes options() const { return header().subspan(min_header_len); }
  // Only of what parse() proved.
  constexpr Bytes payload() const { return {p_ + header_len(), total_length() - header_len()}; }

  // Writes a header of 20 octets to `out`; without `checksum` its field is left 0, for the device.
  static void emit(uint8_t* out, const Value& v, bool checksum = true) {
    // In whole words, summed before they are written: reading back what was just written in small pieces
    // waits for the stores.
    const uint64_t first = uint64_t{0x45} << 56 | uint64_t{v.tos} << 48 | uint64_t{v.total_length} << 32 |
                           uint64_t{v.id} << 16 | (v.dont_fragment ? 0x4000u : 0u);
    uint64_t second = uint64_t{v.ttl} << 56 | uint64_t{v.proto} << 48 | v.src.v;
    if (checksum) {
      const uint64_t s =
          (first >> 32) + (first & UINT32_MAX) + (second >> 32) + (second & UINT32_MAX) + v.dst.v;
      second |= uint64_t{static_cast<uint16_t>(~folded(s))} << 32;
    }
    store_be<uint64_t>(out, first);
    store_be<uint64_t>(out + f_ttl.at, second);
    store_be<uint32_t>(out + f_dst.at, v.dst.v);
  }
  // Makes a header that of a piece, or of a whole datagram (0, no more): `total` octets that start `offset`
  // octets, a multiple of 8, into the datagram. Whether it may be fragmented is forgotten; the checksum is
  // made.
  static void as_fragment(uint8_t* header, size_t total, size_t offset, bool more) {
    f_total_length.set(header, static_cast<uint16_t>(total));
    f_fragment.set(header, static_cast<uint16_t>(offset / 8 | (more ? 0x2000 : 0)));
    f_checksum.set(header, 0);
    f_checksum.set(header, Sum{}.add(Bytes{header, (f_version_ihl.get(header) & 15u) * 4u}).checksum());
  }
  static void set_ecn(uint8_t* header, uint8_t ecn) {
    f_tos.set(header, static_cast<uint8_t>((f_tos.get(header) & ~3) | ecn));
  }
  // One hop less: the TTL, which is not 0, and the checksum that goes with it (RFC 1624).
  static constexpr void decrement_ttl(uint8_t* header) {
    const auto was = load_be<uint16_t>(header + f_ttl.at);
    const auto is = static_cast<uint16_t>(was - 0x0100);
    store_be<uint16_t>(header + f_ttl.at, is);
    f_checksum.set(header, update(f_checksum.get(header), was, is));
  }

 private:
  constexpr explicit Ip4(const uint8_t* p) : p_{p} {}
  // RFC 1071 §2 (B): whether the sum is all ones does not depend on the order of bytes.
  static bool good_checksum_of_20(const uint8_t* p) {
    uint64_t a, b;
    uint32_t c;
    std::memcpy(&a, p, 8);
    std::memcpy(&b, p + 8, 8);
    std::memcpy(&c, p + 16, 4);
    return folded((a >> 32) + (a & UINT32_MAX) + (b >> 32) + (b & UINT32_MAX) + c) == 0xffff;
  }
  // A sum of words of 32 bits as one of 16.
  static constexpr uint16_t folded(uint64_t s) {
    s = (s >> 32) + (s & UINT32_MAX);
    s = (s >> 16) + (s & 0xffff);  // below 3 * 2^16
    s = (s >> 16) + (s & 0xffff);
    return static_cast<uint16_t>((s >> 16) + (s & 0xffff));
  }
  const uint8_t* p_;
};

// What stands in an IPv4 header's options, as far as we care (RFC 791 §3.1). A parse error is the reason to
// drop.
struct Ip4Options {
  static constexpr size_t most = 40;  // octets
  bool source_route = false;          // LSRR or SSRR

  // Writes those options that every fragment carries (their copied flag is set) to `out`, which has room for
  // `most`, filled up to a multiple of 4; returns their octets. parse() has proved `b`.
  static constexpr size_t copied(Bytes b, uint8_t* out) {
    size_t n = 0;
    for (size_t at = 0; at < b.size() && b[at] != 0;) {
      const size_t len = b[at] == 1 ? 1 : b[at + 1];
      if ((b[at] & 0x80) != 0)
        for (size_t i = 0; i < len; ++i) out[n++] = b[at + i];
      at += len;
    }
    while (n % 4 != 0) out[n++] = 0;
    return n;
  }

  static constexpr Result<Ip4Options> parse(Bytes b) {
    Ip4Options seen;
    for (size_t at = 0; at < b.size();) {
      const uint8_t type = b[at];
      if (type == 0) break;  // end of list
      if (type == 1) {       // no operation
        ++at;
        continue;
      }
      if (b.size() - at < 2 || b[at + 1] < 2 || b[at + 1] > b.size() - at) return Counter::ip_bad_option;
      if (type == 131 || type == 137) seen.source_route = true;
      at += b[at + 1];
    }
    return seen;
  }
};

}  // namespace sluice::wire
