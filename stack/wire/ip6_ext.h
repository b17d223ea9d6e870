// SPDX-License-Identifier: Apache-2.0
// IPv6 extension headers: the walk from the fixed header to the upper layer. RFC 8200 §4, bounded as RFC 8504
// §5.3 and RFC 8883 let a node bound it. Knows no address and sends nothing: what must be told is a value.
#pragma once

#include <cstdint>
#include <optional>

#include "base/counters.h"
#include "wire/ip6.h"

namespace sluice::wire {

enum class Ip6Next : uint8_t {
  HopByHop = 0,
  Routing = 43,
  Fragment = 44,
  NoNext = 59,
  DestinationOptions = 60
};

// Whether the walk goes on behind a header of this kind.
constexpr bool is_extension(uint8_t next_header) {
  const auto kind = static_cast<Ip6Next>(next_header);
  return kind == Ip6Next::HopByHop || kind == Ip6Next::Routing || kind == Ip6Next::Fragment ||
         kind == Ip6Next::DestinationOptions;
}

// What one packet may cost us.
struct Ip6Limits {
  uint32_t headers = 8;   // extension headers in a packet
  uint32_t octets = 512;  // of all of them
  uint32_t options = 16;  // in one header, padding not counted
};

// The fragment header: RFC 8200 §4.5.
struct Ip6Fragment {
  static constexpr size_t len = 8;
  uint16_t at = 0;          // octets from the packet's start to the fragment header
  uint16_t next_at = 0;     // octets from the packet's start to the field that names it as next
  uint8_t next_header = 0;  // of the original packet's fragmentable part
  uint16_t offset = 0;      // octets, a multiple of 8
  bool more = false;
  uint32_t id = 0;
  // RFC 6946: nothing was cut, the header only says that it might have been.
  constexpr bool atomic() const { return offset == 0 && !more; }

  static constexpr void emit(uint8_t* out, uint8_t next, uint16_t offset, bool more, uint32_t id) {
    out[0] = next;
    out[1] = 0;
    store_be<uint16_t>(out + 2, static_cast<uint16_t>((offset & ~7u) | (more ? 1u : 0u)));
    store_be<uint32_t>(out + 4, id);
  }
};

// Where the walk ended.
struct Ip6Chain {
  uint8_t proto = 0;          // the upper layer, or Ip6Next::Fragment's successor in a later fragment
  uint16_t upper_at = 0;      // octets from the packet's start to the upper layer's header
  uint16_t proto_at = 0;      // and to the octet that names it: what a Parameter Problem points at
  bool router_alert = false;  // RFC 2711
  bool fragmented = false;
  Ip6Fragment fragment;  // when fragmented; a later fragment ends the walk
};

// Why a packet dies in the walk, and what its sender is to be told.
struct Ip6Problem {
  Counter why{};
  bool tell = false;           // an ICMPv6 Parameter Problem is due
  bool tell_of_group = false;  // even when the packet went to a group (RFC 8200 §4.2, action 10)
  uint8_t code = 0;            // RFC 4443 §3.4
  uint16_t pointer = 0;        // octets from the packet's start
};

namespace ip6_detail {

// One options header's TLVs. `at`: of its first option; `end`: one past its last.
constexpr std::optional<Ip6Problem> walk_options(Bytes b, size_t at, size_t end, bool hop_by_hop,
                                                 const Ip6Limits& limits, Ip6Chain& out) {
  constexpr uint8_t pad1 = 0, padn = 1, router_alert = 5, jumbo = 0xc2;
  uint32_t seen = 0;
  uint32_t padding = 0;
  while (at < end) {
    const uint8_t type = b[at];
    if (type == pad1) {
      // RFC 8504 §5.3: more than seven octets of padding in a row align nothing.
      if (++padding > 7) return Ip6Problem{.why = Counter::ip6_padding};
      ++at;
      continue;
    }
    if (end - at < 2 || b[at + 1] > end - at - 2) return Ip6Problem{.why = Counter::ip6_bad_option};
    const size_t len = 2u + b[at + 1];
    if (type == padn) {
      padding += static_cast<uint32_t>(len);
      if (padding > 7) return Ip6Problem{.why = Counter::ip6_padding};
      at += len;
      continue;
    }
    padding = 0;
    if (++seen > limits.options) return Ip6Problem{.why = Counter::ip6_too_many};
    if (hop_by_hop && type == router_alert && len == 4) {
      out.router_alert = true;
    } else if (hop_by_hop && type == jumbo) {
      return Ip6Problem{.why = Counter::ip6_jumbogram};
    } else if ((type >> 6) != 0) {  // RFC 8200 §4.2: the two highest bits say what to do with the unknown
      const uint8_t action = type >> 6;
      return Ip6Problem{.why = Counter::ip6_unknown_option,
                        .tell = action >= 2,
                        .tell_of_group = action == 2,
                        .code = 2,
                        .pointer = static_cast<uint16_t>(at)};
    }
    at += len;
  }
  return std::nullopt;
}

}  // namespace ip6_detail

// Walks a packet that Ip6::parse() took, as its destination does. Nothing: `out` says where the upper layer
// is. Something: the packet dies, and why. Costs at most what `limits` say.
constexpr std::optional<Ip6Problem> walk_extensions(Bytes packet, const Ip6Limits& limits, Ip6Chain& out) {
  const Bytes b = packet.first(Ip6::parse(packet)->total_length());
  out = {};
  uint8_t next = b[6];
  size_t next_at = 6, at = Ip6::header_len;
  for (uint32_t n = 0;; ++n) {
    const auto kind = static_cast<Ip6Next>(next);
    if (!is_extension(next)) break;
    const bool options = kind == Ip6Next::HopByHop || kind == Ip6Next::DestinationOptions;
    // RFC 8200 §4.1: hop-by-hop options stand right behind the fixed header, nowhere else.
    if (kind == Ip6Next::HopByHop && n != 0)
      return Ip6Problem{
          .why = Counter::ip6_misplaced, .tell = true, .code = 1, .pointer = static_cast<uint16_t>(next_at)};
    if (n == limits.headers) return Ip6Problem{.why = Counter::ip6_too_many};
    if (b.size() - at < 8) return Ip6Problem{.why = Counter::ip6_ext_truncated};
    if (kind == Ip6Next::Fragment) {
      if (out.fragmented)
        return Ip6Problem{.why = Counter::ip6_misplaced,
                          .tell = true,
                          .code = 1,
                          .pointer = static_cast<uint16_t>(next_at)};
      const auto where = load_be<uint16_t>(b.data() + at + 2);
      out.fragmented = true;
      out.fragment = {.at = static_cast<uint16_t>(at),
                      .next_at = static_cast<uint16_t>(next_at),
                      .next_header = b[at],
                      .offset = static_cast<uint16_t>(where & ~7u),
                      .more = (where & 1) != 0,
                      .id = load_be<uint32_t>(b.data() + at + 4)};
      next = b[at];
      next_at = at;
      at += Ip6Fragment::len;
      if (out.fragment.offset != 0) break;  // what follows is the middle of something
      continue;
    }
    const size_t len = (b[at + 1] + 1u) * 8u;
    if (len > b.size() - at) return Ip6Problem{.why = Counter::ip6_ext_truncated};
    if (at + len - Ip6::header_len > limits.octets) return Ip6Problem{.why = Counter::ip6_too_many};
    if (options) {
      if (const auto p =
              ip6_detail::walk_options(b, at + 2, at + len, kind == Ip6Next::HopByHop, limits, out))
        return p;
    } else if (b[at + 3] != 0) {
      // RFC 8200 §4.4: an unknown routing type with segments left; type 0 is one since RFC 5095.
      return Ip6Problem{
          .why = Counter::ip6_routing, .tell = true, .code = 0, .pointer = static_cast<uint16_t>(at + 2)};
    }
    next = b[at];
    next_at = at;
    at += len;
  }
  out.proto = next;
  out.proto_at = static_cast<uint16_t>(next_at);
  out.upper_at = static_cast<uint16_t>(at);
  return std::nullopt;
}

}  // namespace sluice::wire
