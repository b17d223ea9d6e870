// SPDX-License-Identifier: Apache-2.0
// Which worker owns a flow: Toeplitz over the addresses and ports of a received packet, and a table. The same
// hash and table are written into a device that can steer by itself. Knows no device and no ring.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "wire/ethernet.h"
#include "wire/tuple.h"

namespace sluice::io {

// Entries of the table. Devices have 64, 128, 512 or more: entry j of theirs goes where entry j % reta_size
// of ours goes, so that all agree as long as the number of workers is a power of two or theirs is a multiple.
constexpr uint32_t reta_size = 128;

constexpr size_t owner_of_hash(uint32_t hash, size_t workers) { return hash % reta_size % workers; }

class Steering {
 public:
  // `workers` > 0. Takes 36 KB for the hash's tables.
  Steering(const RssKey& key, size_t workers);

  // Of an Ethernet frame, contiguous as far as its transport header, as received:
  // - TCP and UDP, not fragmented: addresses and ports;
  // - ICMP errors: the flow whose packet is quoted, so that the error meets the connection it is about;
  // - fragments and everything else over IP: addresses (owner_of_fragment() knows better once the first one
  //   has come);
  // - ARP, all else: worker 0.
  // Up to two VLAN tags in front change nothing.
  size_t owner(Bytes frame) const;
  // Of a fragment (its IP packet) whose flow's ports are known: the source's in the upper half.
  size_t owner_of_fragment(Bytes packet, uint32_t ports) const;
  // Of the flow a connection of ours is, its packets arriving from `remote` at `local`.
  size_t owner(const Tuple& tuple) const;

  struct Hash {
    uint32_t value = 0;
    bool over_ports = false;  // by addresses and ports of the packet itself
    bool quoted = false;      // by a packet quoted inside: no device computes that
    bool is_ip = false;
  };
  Hash hash(Bytes frame) const;

  size_t workers() const { return workers_; }

  // Where a frame's packet begins: behind the Ethernet header and up to two VLAN tags. May lie past its end.
  static size_t packet_at(Bytes frame) {
    size_t type = 12;
    for (int tags = 0; tags < 2 && frame.size() >= type + 6 && is_tag(frame.data() + type); ++tags) type += 4;
    return type + 2;
  }

 private:
  static bool is_tag(const uint8_t* type) {
    const auto t = static_cast<wire::EtherType>(load_be<uint16_t>(type));
    return t == wire::EtherType::Vlan || t == wire::EtherType::QinQ;
  }
  static constexpr size_t input_most = 36;  // octets: two IPv6 addresses and two ports
  uint32_t hash_bytes(Bytes input) const;
  Hash hash_ip4(Bytes packet, bool quoted) const;
  Hash hash_ip6(Bytes packet, bool quoted) const;

  size_t workers_;
  std::array<std::array<uint32_t, 256>, input_most>
      table_;  // [position][octet]: that octet's share of the hash
};

}  // namespace sluice::io
