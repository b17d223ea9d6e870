// SPDX-License-Identifier: Apache-2.0
// What names a flow, and the two hashes of it: a keyed one for tables, and Toeplitz, which is what a NIC's
// RSS computes.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/siphash.h"
#include "wire/ip_addr.h"
#include "wire/port.h"

namespace sluice {

enum class IpProto : uint8_t { Icmp = 1, Tcp = 6, Udp = 17, Icmp6 = 58 };

// As seen by us: `remote` is where packets come from, `local` where they arrive.
struct Tuple {
  IpAddr remote, local;
  Port remote_port, local_port;
  IpProto proto = IpProto::Tcp;
  uint16_t vrf = 0;  // the same addresses and ports in another VRF are another flow

  friend constexpr bool operator==(const Tuple&, const Tuple&) = default;
};
static_assert(sizeof(Tuple) == 40, "the VRF lies where there was padding: connections are no larger for it");

// A tuple as the octets a keyed hash reads: few for IPv4, because the hash's time goes by octets. No tuple of
// one family has the octets of one of the other: the lengths differ, and the hash reads the length too.
class TupleOctets {
 public:
  static constexpr size_t most = 39;

  explicit TupleOctets(const Tuple& t) {
    const bool four = t.remote.is_v4() && t.local.is_v4();
    const size_t skip = four ? 12 : 0, n = 16 - skip;
    std::memcpy(b_.data(), t.remote.bytes().data() + skip, n);
    std::memcpy(b_.data() + n, t.local.bytes().data() + skip, n);
    t.remote_port.store(b_.data() + 2 * n);
    t.local_port.store(b_.data() + 2 * n + 2);
    b_[2 * n + 4] = static_cast<uint8_t>(t.proto);
    size_ = 2 * n + 5;
  }
  // For what leaves the machine: with the VRF behind the rest, unless it is the default one.
  static TupleOctets with_vrf(const Tuple& t) {
    TupleOctets o{t};
    if (t.vrf == 0) [[likely]]
      return o;
    store_be<uint16_t>(o.b_.data() + o.size_, t.vrf);
    o.size_ += 2;
    return o;
  }
  Bytes bytes() const { return {b_.data(), size_}; }
  // Writes them to `out`, which has room for `most`; returns how many.
  size_t copy(uint8_t* out) const {
    std::memcpy(out, b_.data(), size_);
    return size_;
  }

 private:
  std::array<uint8_t, most> b_;
  size_t size_;
};

// For tables whose keys a peer may choose. Each VRF has a key of its own, which costs less than octets more;
// that the keys are related helps nobody who does not see the hashes.
inline uint64_t table_hash(SipKey key, const Tuple& t) {
  return siphash13({key.k0, key.k1 ^ t.vrf}, TupleOctets{t}.bytes());
}

// 40 bytes: enough for the longest input, IPv6 with ports (36 bytes), plus the window of the last byte.
using RssKey = std::array<uint8_t, 40>;

// Toeplitz over `in` (at most 36 bytes): source address, destination address and, for TCP and UDP, source
// port and destination port, all in network order as they stand in the packet.
constexpr uint32_t toeplitz(const RssKey& key, Bytes in) {
  uint32_t hash = 0;
  uint32_t window = load_be<uint32_t>(key.data());
  for (size_t i = 0; i < in.size(); ++i) {
    const uint8_t next = key[i + 4 < key.size() ? i + 4 : i + 4 - key.size()];
    for (int bit = 7; bit >= 0; --bit) {
      if ((in[i] >> bit) & 1) hash ^= window;
      window = (window << 1) | ((next >> bit) & 1u);
    }
  }
  return hash;
}

}  // namespace sluice
