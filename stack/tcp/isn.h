// SPDX-License-Identifier: Apache-2.0
// Numbers a stranger must not guess: initial sequence numbers (RFC 6528 §3), timestamp offsets (RFC 7323
// §5.4), the start of the search for a local port (RFC 6056 §3.3.4).
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
  SipKey table, isn, cookies, ports;
};

// Leaves the machine: 2-4 rounds, unlike the hash of the flow table.
inline uint64_t secret_hash(SipKey key, const Tuple& t) {
  return siphash24(key, TupleOctets::with_vrf(t).bytes());
}

// Both halves of one hash: neither says anything of the other.
struct Secrets {
  uint32_t isn, ts_offset;
};
inline Secrets secrets(const Keys& keys, const Tuple& t) {
  const uint64_t h = secret_hash(keys.isn, t);
  return {static_cast<uint32_t>(h), static_cast<uint32_t>(h >> 32)};
}
// M + F(tuple, key), M ticking every 4 microseconds.
inline SeqNum initial_sequence(const Secrets& s, Instant now) {
  return {static_cast<uint32_t>(now.ns / 4'000) + s.isn};
}
inline SeqNum initial_sequence(const Keys& keys, const Tuple& t, Instant now) {
  return initial_sequence(secrets(keys, t), now);
}
// The timestamp clock ticks in milliseconds.
constexpr uint32_t timestamp_clock(Instant now, uint32_t offset) {
  return static_cast<uint32_t>(now.ns / 1'000'000) + offset;
}

}  // namespace sluice::tcp
