// SPDX-License-Identifier: Apache-2.0
// Numbers a stranger must not guess: initial sequence numbers (RFC 6528 §3), timestamp offsets (RFC 7323
// §5.4), the start of the search for a local port (RFC 6056 §3.3.3). Each has a key of its own.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/instant.h"
#include "base/siphash.h"
#include "wire/seq_num.h"
#include "wire/tuple.h"

namespace sluice::tcp {

// Random, secret, distinct; from whoever starts the worker.
struct Keys {
  SipKey table, isn, timestamps, ports;
};

// Leaves the machine: 2-4 rounds, unlike the hash of the flow table.
inline uint64_t secret_hash(SipKey key, const Tuple& t) {
  std::array<uint8_t, 40> in{};
  std::copy_n(t.remote.bytes().data(), 16, in.data());
  std::copy_n(t.local.bytes().data(), 16, in.data() + 16);
  t.remote_port.store(in.data() + 32);
  t.local_port.store(in.data() + 34);
  return siphash24(key, in);
}

// M + F(tuple, key), M ticking every 4 microseconds.
inline SeqNum initial_sequence(const Keys& keys, const Tuple& t, Instant now) {
  return {static_cast<uint32_t>(now.ns / 4'000 + secret_hash(keys.isn, t))};
}
inline uint32_t timestamp_offset(const Keys& keys, const Tuple& t) {
  return static_cast<uint32_t>(secret_hash(keys.timestamps, t));
}
// The timestamp clock ticks in milliseconds.
inline uint32_t timestamp_clock(Instant now, uint32_t offset) {
  return static_cast<uint32_t>(now.ns / 1'000'000) + offset;
}

}  // namespace sluice::tcp
