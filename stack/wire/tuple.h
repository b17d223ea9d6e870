// SPDX-License-Identifier: Apache-2.0
// What names a flow, and the two hashes of it: a keyed one for tables, and Toeplitz, which is what a NIC's
// RSS computes.
#pragma once

#include <array>
#include <cstdint>
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

  friend constexpr bool operator==(const Tuple&, const Tuple&) = default;
};

// For tables whose keys a peer may choose.
inline uint64_t table_hash(SipKey key, const Tuple& t) {
  std::array<uint8_t, 40> in{};
  std::copy_n(t.remote.bytes().data(), 16, in.data());
  std::copy_n(t.local.bytes().data(), 16, in.data() + 16);
  t.remote_port.store(in.data() + 32);
  t.local_port.store(in.data() + 34);
  in[36] = static_cast<uint8_t>(t.proto);
  return siphash13(key, in);
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
