// SPDX-License-Identifier: Apache-2.0
// What a measured packet carries: which flow, which packet of it, when it was sent, and a check over that. 18
// octets, so that it fits the smallest Ethernet frame behind a UDP header.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace sluice::load {

struct Stamp {
  uint32_t flow = 0;
  uint32_t number = 0;  // in the flow, from 0
  uint64_t time = 0;    // nanoseconds

  static constexpr size_t size = 18;  // octets

  // One packet in 65536 that is none of ours passes for one, less than that when the rest is compared too.
  constexpr uint16_t check() const {
    uint64_t h = (uint64_t{flow} << 32 | number) * 0x9e3779b97f4a7c15 ^ time;
    h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9;
    return static_cast<uint16_t>(h >> 48);
  }
  constexpr void emit(uint8_t* out) const {
    store_be(out, flow);
    store_be(out + 4, number);
    store_be(out + 8, time);
    store_be(out + 16, check());
  }
  // `in` has `size` octets.
  static constexpr std::optional<Stamp> parse(const uint8_t* in) {
    const Stamp s{load_be<uint32_t>(in), load_be<uint32_t>(in + 4), load_be<uint64_t>(in + 8)};
    if (s.check() != load_be<uint16_t>(in + 16)) return std::nullopt;
    return s;
  }
  // The sum of its 16-bit words, for the Internet checksum.
  constexpr uint64_t words() const {
    return (flow >> 16) + (flow & 0xffff) + (number >> 16) + (number & 0xffff) + (time >> 48) +
           (time >> 32 & 0xffff) + (time >> 16 & 0xffff) + (time & 0xffff) + check();
  }
};

}  // namespace sluice::load
