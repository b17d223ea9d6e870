// SPDX-License-Identifier: Apache-2.0
// SYN cookies: a handshake of which nothing is remembered, because all we must know of it comes back in the
// third segment (RFC 4987 §3.6). The initial sequence number holds the peer's MSS and a keyed hash; window
// scaling, SACK and ECN, which do not fit, come back in the echoed timestamp's lowest bits. Knows no packet
// and no clock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "tcp/isn.h"
#include "tcp/opening.h"

namespace sluice::tcp {

// Bit 31: which of the last two keys. Bits 30 to 28: MSS, as an index. Bits 27 to 0: hash of the tuple, the
// peer's number, the MSS and the timestamp's bits; so what comes back is what we sent, or one guess in 2^28.
class SynCookies {
 public:
  static constexpr Duration epoch = Duration::from_s(64);  // a key's turn; a cookie lives one to two of them

  explicit SynCookies(SipKey key) : key_{key} {}

  // Makes `o`, of which the rest is set, an opening whose iss is a cookie. `o.mss` is rounded down to one
  // that can be told.
  void seal(const Tuple& t, Opening& o, Instant now) {
    const uint32_t mss = index_of(o.mss);
    o.mss = sizes[mss];
    const uint64_t n = number(now);
    o.iss = {static_cast<uint32_t>(n & 1) << 31 | mss << 28 | mac(t, o.irs, mss, stamp_bits(o), n)};
    last_ = now;
    used_ = true;
  }
  // The timestamp to send in the answer instead of `clock`: its lowest bits say what was agreed. Not later
  // than `clock`, so that what follows is no step back for the peer (RFC 7323 §5).
  static constexpr uint32_t stamp(uint32_t clock, const Opening& o) {
    const uint32_t v = (clock & ~stamp_mask) | stamp_bits(o);
    return v > clock ? v - (stamp_mask + 1) : v;
  }
  // True while an answer to a cookie may still be on its way.
  bool awaits(Instant now) const { return used_ && now - last_ < epoch * 2; }

  // The opening to which `in`, which has ACK and no SYN, is the answer; nothing when there is none.
  // ts_offset is left to the caller.
  std::optional<Opening> open(const Tuple& t, const Segment& in, const Options& options, Instant now) {
    const SeqNum iss = in.ack - 1;
    Opening o{.iss = iss, .irs = in.seq - 1};
    const auto& ts = in.options.timestamps;
    if (ts && options.timestamps) {
      o.timestamps = 1;
      o.ts_recent = ts->val;
      o.scaling = (ts->ecr & scaling_bit) != 0;
      o.shift = ts->ecr & 0xf;
      o.sack = (ts->ecr & sack_bit) != 0;
      o.ecn = (ts->ecr & ecn_bit) != 0;
    }
    if (stamp_bits(o) != (o.timestamps ? ts->ecr & stamp_mask : 0)) return std::nullopt;
    const uint32_t mss = iss.v >> 28 & 7;
    o.mss = sizes[mss];
    const uint64_t n = (number(now) & 1) == iss.v >> 31 ? number(now) : number(now) - 1;
    if ((iss.v & mac_mask) != mac(t, o.irs, mss, stamp_bits(o), n)) return std::nullopt;
    return o;
  }

 private:
  static constexpr uint32_t mac_mask = (1u << 28) - 1, stamp_mask = 0x7f;
  static constexpr uint32_t scaling_bit = 0x10, sack_bit = 0x20, ecn_bit = 0x40;
  // What paths and peers are seen to have: the IPv4 and IPv6 minima, tunnels, Ethernet, jumbo frames.
  static constexpr std::array<uint16_t, 8> sizes{88, 536, 1220, 1360, 1412, 1440, 1460, 8940};

  static constexpr uint32_t index_of(uint16_t mss) {
    uint32_t i = sizes.size() - 1;
    while (i != 0 && sizes[i] > mss) --i;
    return i;
  }
  static constexpr uint32_t stamp_bits(const Opening& o) {
    if (!o.timestamps) return 0;
    return (o.scaling ? scaling_bit | o.shift : 0) | (o.sack ? sack_bit : 0) | (o.ecn ? ecn_bit : 0);
  }
  static uint64_t number(Instant now) { return now.ns / static_cast<uint64_t>(epoch.ns); }

  uint32_t mac(const Tuple& t, SeqNum irs, uint32_t mss, uint32_t stamp, uint64_t n) {
    std::array<uint8_t, TupleOctets::most + 6> in;
    const auto tuple = TupleOctets::with_vrf(t);
    const size_t at = tuple.copy(in.data());
    irs.store(in.data() + at);
    in[at + 4] = static_cast<uint8_t>(mss);
    in[at + 5] = static_cast<uint8_t>(stamp);
    return static_cast<uint32_t>(siphash24(key_of(n), Bytes{in}.first(at + 6))) & mac_mask;
  }
  // A key for each turn, derived; the last two are at hand.
  SipKey key_of(uint64_t n) {
    Turn& turn = turns_[n & 1];
    if (turn.number != n) {
      std::array<uint8_t, 9> in{};
      store_be<uint64_t>(in.data(), n);
      turn = {n, {siphash24(key_, in), 0}};
      in[8] = 1;
      turn.key.k1 = siphash24(key_, in);
    }
    return turn.key;
  }

  struct Turn {
    uint64_t number = UINT64_MAX;
    SipKey key;
  };
  SipKey key_;
  std::array<Turn, 2> turns_;
  Instant last_;
  bool used_ = false;
};

}  // namespace sluice::tcp
