// SPDX-License-Identifier: Apache-2.0
// Multicast Listener Discovery as a listener speaks it: RFC 3810 (version 2), RFC 2710 queries understood.
#pragma once

#include "base/result.h"
#include "wire/field.h"
#include "wire/icmp6.h"

namespace sluice::wire {

// RFC 3810 §5.1; a query of 24 octets is version 1's (§8.1).
class MldQuery {
 public:
  static constexpr size_t len_v1 = 24, len_v2 = 28;
  // `b`: the whole ICMPv6 message.
  static constexpr Result<MldQuery> parse(Bytes b) {
    if (b.size() < len_v1 || (b.size() > len_v1 && b.size() < len_v2)) return Counter::mld_truncated;
    return MldQuery{b};
  }
  constexpr bool version_1() const { return b_.size() == len_v1; }
  // Longest time to wait before the report, in milliseconds: §5.1.3.
  constexpr uint32_t max_response_ms() const {
    const auto code = load_be<uint16_t>(b_.data() + 4);
    if (version_1() || code < 0x8000) return code;
    return ((code & 0xfffu) | 0x1000u) << ((code >> 12 & 7u) + 3u);
  }
  constexpr Ip6Addr group() const { return Ip6Addr::load(b_.data() + 8); }  // unspecified: all

 private:
  constexpr explicit MldQuery(Bytes b) : b_{b} {}
  Bytes b_;
};

// RFC 3810 §5.2: a report of whole groups, no sources.
struct Mld2Report {
  enum class Record : uint8_t {
    IsExclude = 2,
    ToInclude = 3,
    ToExclude = 4
  };  // §5.2.12: listens, leaves, joins
  static constexpr size_t header_len = 8, record_len = 20;
  static constexpr size_t size(size_t groups) { return header_len + groups * record_len; }

  // Writes a message of size(groups.size()) octets; the checksum field is left 0.
  template <class Groups>
  static constexpr void emit(uint8_t* out, Record record, const Groups& groups) {
    store_be<uint32_t>(out, static_cast<uint32_t>(Icmp6Type::Mld2Report) << 24);
    store_be<uint32_t>(out + 4, static_cast<uint32_t>(groups.size()));
    uint8_t* p = out + header_len;
    for (const Ip6Addr& g : groups) {
      store_be<uint32_t>(p, static_cast<uint32_t>(record) << 24);
      g.store(p + 4);
      p += record_len;
    }
  }
};

// The hop-by-hop header that all MLD messages carry: router alert 0 and padding (RFC 3810 §5, RFC 2711 §2.1).
constexpr size_t mld_hop_by_hop_len = 8;
constexpr void emit_mld_hop_by_hop(uint8_t* out) {
  store_be<uint64_t>(out, uint64_t{58} << 56 | 0x0005'0200'0001'00ull);
}

}  // namespace sluice::wire
