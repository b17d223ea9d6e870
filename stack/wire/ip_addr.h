// SPDX-License-Identifier: Apache-2.0
// IPv4 and IPv6 addresses, one dual-family address that tables and tuples are keyed by, and prefixes.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"

namespace sluice {

struct Ip4Addr {
  uint32_t v = 0;  // host order: 198.18.0.1 is 0xc6120001

  static constexpr size_t wire_size = 4;
  static constexpr Ip4Addr load(const uint8_t* p) { return {load_be<uint32_t>(p)}; }
  constexpr void store(uint8_t* p) const { store_be<uint32_t>(p, v); }
  static constexpr Ip4Addr of(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    return {static_cast<uint32_t>(a) << 24 | static_cast<uint32_t>(b) << 16 | static_cast<uint32_t>(c) << 8 |
            d};
  }
  static constexpr Ip4Addr mask(unsigned length) { return {length == 0 ? 0 : UINT32_MAX << (32 - length)}; }

  constexpr bool is_unspecified() const { return v == 0; }
  constexpr bool is_this_network() const { return (v >> 24) == 0; }     // 0.0.0.0/8, RFC 1122 §3.2.1.3
  constexpr bool is_loopback() const { return (v >> 24) == 127; }       // 127.0.0.0/8
  constexpr bool is_link_local() const { return (v >> 16) == 0xa9fe; }  // 169.254.0.0/16, RFC 3927
  constexpr bool is_multicast() const { return (v >> 28) == 0xe; }      // 224.0.0.0/4
  constexpr bool is_reserved() const { return (v >> 28) == 0xf; }  // 240.0.0.0/4, limited broadcast included
  constexpr bool is_limited_broadcast() const { return v == UINT32_MAX; }

  friend constexpr auto operator<=>(Ip4Addr, Ip4Addr) = default;
};

struct Ip6Addr {
  std::array<uint8_t, 16> b{};

  static constexpr size_t wire_size = 16;
  static constexpr Ip6Addr load(const uint8_t* p) {
    Ip6Addr a;
    std::copy_n(p, 16, a.b.begin());
    return a;
  }
  constexpr void store(uint8_t* p) const { std::copy_n(b.begin(), 16, p); }
  // Of its eight groups: of(0x2001, 2, 0, 0, 0, 0, 0, 1) is 2001:2::1.
  template <class... Groups>
  static constexpr Ip6Addr of(Groups... groups) {
    static_assert(sizeof...(groups) == 8);
    Ip6Addr a;
    size_t at = 0;
    ((store_be<uint16_t>(a.b.data() + at, static_cast<uint16_t>(groups)), at += 2), ...);
    return a;
  }

  constexpr bool is_unspecified() const { return *this == Ip6Addr{}; }
  constexpr bool is_loopback() const { return *this == of(0, 0, 0, 0, 0, 0, 0, 1); }
  constexpr bool is_multicast() const { return b[0] == 0xff; }
  constexpr bool is_link_local() const { return b[0] == 0xfe && (b[1] & 0xc0) == 0x80; }  // fe80::/10
  constexpr bool is_v4_mapped() const;  // ::ffff:0:0/96: stands for an IPv4 address, never on a wire
  // RFC 4291 §2.7: of a multicast address; 1: this interface only, 2: this link only.
  constexpr unsigned multicast_scope() const { return b[1] & 0xfu; }

  // RFC 4007: a link-local address means something on one link only. Inside, the link's port stands in the 16
  // bits behind fe80, which are zero on a wire (RFC 4291 §2.5.6), so that tables and tuples need no other
  // field.
  constexpr Ip6Addr zoned(uint16_t port) const {
    Ip6Addr a = *this;
    if (is_link_local()) store_be<uint16_t>(a.b.data() + 2, static_cast<uint16_t>(port + 1u));
    return a;
  }
  constexpr bool has_zone() const { return is_link_local() && (b[2] | b[3]) != 0; }
  constexpr uint16_t zone() const {
    return static_cast<uint16_t>(load_be<uint16_t>(b.data() + 2) - 1u);
  }  // has_zone()
  constexpr Ip6Addr unzoned() const {
    Ip6Addr a = *this;
    if (is_link_local()) a.b[2] = a.b[3] = 0;
    return a;
  }

  static constexpr Ip6Addr all_nodes() { return of(0xff02, 0, 0, 0, 0, 0, 0, 1); }
  static constexpr Ip6Addr all_routers() { return of(0xff02, 0, 0, 0, 0, 0, 0, 2); }
  static constexpr Ip6Addr all_mld2_routers() {
    return of(0xff02, 0, 0, 0, 0, 0, 0, 0x16);
  }  // RFC 3810 §5.2.14
  // RFC 4291 §2.7.1: the group in which the owner of this address is asked for its MAC.
  constexpr Ip6Addr solicited_node() const {
    Ip6Addr g = of(0xff02, 0, 0, 0, 0, 1, 0xff00, 0);
    std::copy_n(b.begin() + 13, 3, g.b.begin() + 13);
    return g;
  }

  // In two words of the machine: this is asked several times for every packet.
  friend constexpr bool operator==(const Ip6Addr& x, const Ip6Addr& y) {
    using Words = std::array<uint64_t, 2>;
    const Words v = std::bit_cast<Words>(x.b), w = std::bit_cast<Words>(y.b);
    return ((v[0] ^ w[0]) | (v[1] ^ w[1])) == 0;
  }
  friend constexpr auto operator<=>(const Ip6Addr&, const Ip6Addr&) = default;
};

// Either family; an IPv4 address is held in its IPv4-mapped form (RFC 4291 §2.5.5.2), so that comparing and
// hashing need not ask which. The default value is "no address".
class IpAddr {
 public:
  constexpr IpAddr() = default;
  constexpr IpAddr(Ip4Addr a) : b_{octets({0, mapped | uint64_t{big(a.v)} << low_first})} {}
  constexpr IpAddr(const Ip6Addr& a) : b_{a.b} {}

  constexpr bool is_v4() const {
    const Words w = words();
    return w[0] == 0 && (w[1] & mapped_mask) == mapped;
  }
  constexpr bool is_none() const {
    const Words w = words();
    return (w[0] | w[1]) == 0;
  }
  // The caller has asked is_v4().
  constexpr Ip4Addr v4() const { return Ip4Addr::load(b_.data() + 12); }
  constexpr Ip6Addr v6() const { return Ip6Addr{b_}; }
  constexpr Bytes bytes() const { return b_; }

  friend constexpr bool operator==(const IpAddr& a, const IpAddr& b) { return a.v6() == b.v6(); }
  friend constexpr auto operator<=>(const IpAddr&, const IpAddr&) = default;

 private:
  using Words = std::array<uint64_t, 2>;
  constexpr Words words() const { return std::bit_cast<Words>(b_); }
  static constexpr std::array<uint8_t, 16> octets(Words w) {
    return std::bit_cast<std::array<uint8_t, 16>>(w);
  }
  static constexpr bool little = std::endian::native == std::endian::little;
  static constexpr int low_first = little ? 32 : 0;  // where the IPv4 address lies in its word
  static constexpr uint32_t big(uint32_t v) { return little ? __builtin_bswap32(v) : v; }
  static constexpr uint64_t mapped = little ? 0xffff'0000 : uint64_t{0xffff} << 32;  // ::ffff:0:0/96
  static constexpr uint64_t mapped_mask = little ? 0xffff'ffff : ~uint64_t{0} << 32;

  alignas(8) std::array<uint8_t, 16> b_{};
};

constexpr bool Ip6Addr::is_v4_mapped() const { return IpAddr{*this}.is_v4(); }

// An address and how many of its leading bits name the network: 0 to 32 for IPv4, 0 to 128 for IPv6.
struct Prefix {
  IpAddr addr;
  uint8_t length = 0;

  // True when `a` is of the same family and inside. Bits of `addr` past `length` are ignored.
  constexpr bool contains(const IpAddr& a) const {
    const bool four = addr.is_v4();
    if (four != a.is_v4()) return false;
    const size_t bits = length + (four ? 96u : 0u);
    const size_t whole = bits / 8;
    if (!std::equal(a.bytes().begin(), a.bytes().begin() + whole, addr.bytes().begin())) return false;
    if (bits % 8 == 0) return true;
    const auto mask = static_cast<uint8_t>(0xff << (8 - bits % 8));
    return ((a.bytes()[whole] ^ addr.bytes()[whole]) & mask) == 0;
  }

  friend constexpr bool operator==(const Prefix&, const Prefix&) = default;
};

// Text forms, for configuration and messages; never on the packet path. Dotted quad and RFC 4291 §2.2; RFC
// 5952 out.
std::optional<IpAddr> parse_ip(std::string_view text);
std::optional<Prefix> parse_prefix(std::string_view text);  // "198.18.0.1/24": host bits are kept
std::string to_text(const IpAddr& a);
std::string to_text(const Prefix& p);

static_assert(IpAddr{Ip4Addr::of(198, 18, 0, 1)}.v4() == Ip4Addr{0xc6120001});
static_assert(IpAddr{Ip4Addr{}}.is_v4() && !IpAddr{}.is_v4());
static_assert(Ip6Addr::of(0xfe80, 0, 0, 0, 0, 0, 0, 1).zoned(6).zone() == 6);
static_assert(!Ip6Addr::of(0xfe80, 0, 0, 0, 0, 0, 0, 1).zoned(6).unzoned().has_zone());
static_assert(Prefix{Ip4Addr::of(198, 18, 0, 1), 15}.contains(Ip4Addr::of(198, 19, 255, 255)));
static_assert(!Prefix{Ip4Addr::of(198, 18, 0, 1), 24}.contains(Ip4Addr::of(198, 18, 1, 0)));

}  // namespace sluice
