// SPDX-License-Identifier: Apache-2.0
// Neighbour Discovery messages and options: RFC 4861 §4, RFC 7527 (nonce), RFC 8106 (RDNSS, DNSSL), RFC 4191.
// The checks are those of §6.1 and §7.1 that need no state; IP's (hop limit 255, code 0) are the caller's.
#pragma once

#include <optional>

#include "base/result.h"
#include "wire/field.h"
#include "wire/icmp6.h"
#include "wire/mac.h"

namespace sluice::wire {

enum class NdOption : uint8_t {
  SourceLinkAddress = 1,
  TargetLinkAddress = 2,
  PrefixInformation = 3,
  RedirectedHeader = 4,
  Mtu = 5,
  Nonce = 14,
  Rdnss = 25,
};

// The options of one message as far as neighbours are concerned; a length of 0, or one past the end, makes
// the message invalid (§4.6). Unknown options are skipped.
struct NdOptions {
  std::optional<Mac> source, target;
  std::optional<uint64_t> nonce;  // 6 octets, as DAD sends them (RFC 7527 §4.1)

  static constexpr Result<NdOptions> parse(Bytes b) {
    NdOptions seen;
    while (!b.empty()) {
      if (b.size() < 2 || b[1] == 0 || b[1] * 8u > b.size()) return Counter::nd_bad_option;
      const Bytes o = b.first(b[1] * 8u);
      const auto type = static_cast<NdOption>(o[0]);
      // Ethernet's form is one unit of eight octets (RFC 2464 §6).
      if (type == NdOption::SourceLinkAddress && o.size() == 8) seen.source = Mac::load(o.data() + 2);
      if (type == NdOption::TargetLinkAddress && o.size() == 8) seen.target = Mac::load(o.data() + 2);
      if (type == NdOption::Nonce && o.size() == 8)
        seen.nonce = load_be<uint64_t>(o.data()) & 0xffff'ffff'ffff;
      b = b.subspan(o.size());
    }
    return seen;
  }
};

// Walks options one by one, for those who want more than NdOptions keeps (prefixes, RDNSS, MTU). The message
// was parsed, so lengths are good.
template <class F>
constexpr void for_each_nd_option(Bytes b, F&& f) {
  while (b.size() >= 2 && b[1] != 0 && b[1] * 8u <= b.size()) {
    const Bytes o = b.first(b[1] * 8u);
    f(static_cast<NdOption>(o[0]), o);
    b = b.subspan(o.size());
  }
}

// Neighbour Solicitation and Advertisement: §4.3, §4.4.
class NeighbourMessage {
 public:
  static constexpr size_t len = 24;  // without options
  // `b`: the whole ICMPv6 message.
  static constexpr Result<NeighbourMessage> parse(Bytes b) {
    if (b.size() < len) return Counter::nd_truncated;
    NeighbourMessage m{b};
    if (m.target().is_multicast()) return Counter::nd_bad_target;
    const auto o = NdOptions::parse(b.subspan(len));
    if (!o) return o.why();
    m.options_ = *o;
    return m;
  }
  constexpr bool is_solicitation() const {
    return b_[0] == static_cast<uint8_t>(Icmp6Type::NeighbourSolicitation);
  }
  constexpr Ip6Addr target() const { return Ip6Addr::load(b_.data() + 8); }
  constexpr bool router() const { return (b_[4] & 0x80) != 0; }  // advertisements only
  constexpr bool solicited() const { return (b_[4] & 0x40) != 0; }
  constexpr bool override_() const { return (b_[4] & 0x20) != 0; }
  constexpr const NdOptions& options() const { return options_; }

 private:
  constexpr explicit NeighbourMessage(Bytes b) : b_{b} {}
  Bytes b_;
  NdOptions options_;
};

struct NeighbourSolicitationValue {
  Ip6Addr target;
  std::optional<Mac> source;      // our MAC; none in DAD
  std::optional<uint64_t> nonce;  // 48 bits
  constexpr size_t size() const { return NeighbourMessage::len + (source ? 8u : 0u) + (nonce ? 8u : 0u); }
};
struct NeighbourAdvertisementValue {
  bool router = false, solicited = false, override_ = false;
  Ip6Addr target;
  std::optional<Mac> mac;
  constexpr size_t size() const { return NeighbourMessage::len + (mac ? 8u : 0u); }
};

namespace nd_detail {
constexpr uint8_t* link_option(uint8_t* p, NdOption type, const Mac& mac) {
  p[0] = static_cast<uint8_t>(type);
  p[1] = 1;
  mac.store(p + 2);
  return p + 8;
}
}  // namespace nd_detail

// Write whole messages of v.size() octets to `out`; the checksum field is left 0, for Icmp6::seal().
constexpr void emit(uint8_t* out, const NeighbourSolicitationValue& v) {
  store_be<uint32_t>(out, static_cast<uint32_t>(Icmp6Type::NeighbourSolicitation) << 24);
  store_be<uint32_t>(out + 4, 0);
  v.target.store(out + 8);
  uint8_t* p = out + NeighbourMessage::len;
  if (v.source) p = nd_detail::link_option(p, NdOption::SourceLinkAddress, *v.source);
  if (v.nonce)
    store_be<uint64_t>(
        p, static_cast<uint64_t>(NdOption::Nonce) << 56 | 1ull << 48 | (*v.nonce & 0xffff'ffff'ffff));
}
constexpr void emit(uint8_t* out, const NeighbourAdvertisementValue& v) {
  store_be<uint32_t>(out, static_cast<uint32_t>(Icmp6Type::NeighbourAdvertisement) << 24);
  store_be<uint32_t>(out + 4, (v.router ? 0x8000'0000u : 0) | (v.solicited ? 0x4000'0000u : 0) |
                                  (v.override_ ? 0x2000'0000u : 0));
  v.target.store(out + 8);
  if (v.mac) nd_detail::link_option(out + NeighbourMessage::len, NdOption::TargetLinkAddress, *v.mac);
}

// Router Solicitation: §4.1.
class RouterSolicitation {
 public:
  static constexpr size_t len = 8;
  static constexpr Result<RouterSolicitation> parse(Bytes b) {
    if (b.size() < len) return Counter::nd_truncated;
    const auto o = NdOptions::parse(b.subspan(len));
    if (!o) return o.why();
    return RouterSolicitation{*o};
  }
  constexpr const NdOptions& options() const { return options_; }

 private:
  constexpr explicit RouterSolicitation(const NdOptions& o) : options_{o} {}
  NdOptions options_;
};

// A prefix as a router advertises it: §4.6.2. Lifetimes in seconds; all ones: for ever.
struct PrefixInformation {
  static constexpr size_t len = 32;
  Ip6Addr prefix;
  uint8_t length = 64;
  bool on_link = true, autonomous = true;
  uint32_t valid = 2'592'000, preferred = 604'800;

  // `o`: the whole option; of 32 octets, which the caller has seen.
  static constexpr PrefixInformation load(Bytes o) {
    return {.prefix = Ip6Addr::load(o.data() + 16),
            .length = o[2],
            .on_link = (o[3] & 0x80) != 0,
            .autonomous = (o[3] & 0x40) != 0,
            .valid = load_be<uint32_t>(o.data() + 4),
            .preferred = load_be<uint32_t>(o.data() + 8)};
  }
  constexpr void store(uint8_t* p) const {
    p[0] = static_cast<uint8_t>(NdOption::PrefixInformation);
    p[1] = 4;
    p[2] = length;
    p[3] = static_cast<uint8_t>((on_link ? 0x80 : 0) | (autonomous ? 0x40 : 0));
    store_be<uint32_t>(p + 4, valid);
    store_be<uint32_t>(p + 8, preferred);
    store_be<uint32_t>(p + 12, 0);
    prefix.store(p + 16);
  }
  friend constexpr bool operator==(const PrefixInformation&, const PrefixInformation&) = default;
};

// Router Advertisement: §4.2. Options are walked with for_each_nd_option(options()).
class RouterAdvertisement {
 public:
  static constexpr size_t len = 16;
  struct Value {
    uint8_t hop_limit = 64;
    bool managed = false, other = false;
    uint8_t preference = 0;               // RFC 4191 §2.2, two bits: 0 medium, 1 high, 3 low
    uint16_t lifetime = 1800;             // seconds; 0: not a default router
    uint32_t reachable = 0, retrans = 0;  // milliseconds; 0: unspecified
    friend constexpr bool operator==(const Value&, const Value&) = default;
  };
  static constexpr Result<RouterAdvertisement> parse(Bytes b) {
    if (b.size() < len) return Counter::nd_truncated;
    if (const auto o = NdOptions::parse(b.subspan(len)); !o) return o.why();
    return RouterAdvertisement{b};
  }
  constexpr Value value() const {
    return {.hop_limit = b_[4],
            .managed = (b_[5] & 0x80) != 0,
            .other = (b_[5] & 0x40) != 0,
            .preference = static_cast<uint8_t>(b_[5] >> 3 & 3),
            .lifetime = load_be<uint16_t>(b_.data() + 6),
            .reachable = load_be<uint32_t>(b_.data() + 8),
            .retrans = load_be<uint32_t>(b_.data() + 12)};
  }
  constexpr Bytes options() const { return b_.subspan(len); }

  // Writes the part in front of the options; the checksum field is left 0.
  static constexpr void emit(uint8_t* out, const Value& v) {
    store_be<uint32_t>(out, static_cast<uint32_t>(Icmp6Type::RouterAdvertisement) << 24);
    out[4] = v.hop_limit;
    out[5] = static_cast<uint8_t>((v.managed ? 0x80 : 0) | (v.other ? 0x40 : 0) | (v.preference & 3) << 3);
    store_be<uint16_t>(out + 6, v.lifetime);
    store_be<uint32_t>(out + 8, v.reachable);
    store_be<uint32_t>(out + 12, v.retrans);
  }
  // Options; each returns how many octets it wrote.
  static constexpr size_t emit_mtu(uint8_t* p, uint32_t mtu) {
    store_be<uint32_t>(p, static_cast<uint32_t>(NdOption::Mtu) << 24 | 1u << 16);
    store_be<uint32_t>(p + 4, mtu);
    return 8;
  }
  static constexpr size_t emit_source(uint8_t* p, const Mac& mac) {
    nd_detail::link_option(p, NdOption::SourceLinkAddress, mac);
    return 8;
  }
  // RFC 8106 §5.1: recursive name servers; at most 126, `lifetime` in seconds.
  template <class Addrs>
  static constexpr size_t emit_rdnss(uint8_t* p, uint32_t lifetime, const Addrs& servers) {
    p[0] = static_cast<uint8_t>(NdOption::Rdnss);
    p[1] = static_cast<uint8_t>(1 + 2 * servers.size());
    store_be<uint16_t>(p + 2, 0);
    store_be<uint32_t>(p + 4, lifetime);
    size_t n = 8;
    for (const Ip6Addr& a : servers) {
      a.store(p + n);
      n += 16;
    }
    return n;
  }

 private:
  constexpr explicit RouterAdvertisement(Bytes b) : b_{b} {}
  Bytes b_;
};

}  // namespace sluice::wire
