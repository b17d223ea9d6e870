// SPDX-License-Identifier: Apache-2.0
// One IPv6 address of ours on a port: proved free before it is used (RFC 4862 §5.4, RFC 7527), and, when a
// router gave it, how long it lasts (§5.5). Knows no packets: says what to do and when.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/instant.h"
#include "base/rng.h"
#include "link/nd_options.h"
#include "wire/ip_addr.h"

namespace sluice::link {

class OwnAddress6 {
 public:
  enum class State : uint8_t { Tentative, Usable, Duplicate };
  enum class Action : uint8_t { None, Probe, Use, Expire };

  // Starts at the first on_deadline(), which is due at once. `addr` has no zone.
  OwnAddress6(const Ip6Addr& addr, uint8_t length, uint16_t port)
      : addr_{addr}, length_{length}, port_{port} {}

  const Ip6Addr& addr() const { return addr_; }
  uint8_t length() const { return length_; }  // of the prefix
  uint16_t port() const { return port_; }
  State state() const { return state_; }
  // May be used as a sender and answered for.
  bool usable() const { return state_ == State::Usable; }
  bool learned() const { return valid_until_ != Instant::never(); }
  bool preferred(Instant now) const { return now < preferred_until_; }
  Instant valid_until() const { return valid_until_; }
  uint64_t nonce() const { return nonce_; }  // of the last probe, 48 bits
  Instant deadline() const { return std::min(at_, valid_until_); }

  // RFC 4862 §5.5.3: what a router said; `now` plus lifetimes. never(): for ever.
  void live(Instant preferred_until, Instant valid_until) {
    preferred_until_ = preferred_until;
    valid_until_ = valid_until;
  }

  // What is due by now; call again while deadline() <= now. After Expire the address is to be forgotten.
  Action on_deadline(Instant now, const NdOptions& o, Rng& rng) {
    if (now >= valid_until_) return Action::Expire;
    if (state_ != State::Tentative) {
      at_ = Instant::never();
      return Action::None;
    }
    if (!waited_) {
      waited_ = true;
      at_ = now + (o.dad_wait.ns > 0 && o.dad_transmits != 0
                       ? Duration{static_cast<int64_t>(rng.below(static_cast<uint64_t>(o.dad_wait.ns)))}
                       : Duration{0});
      return Action::None;
    }
    if (sent_ == o.dad_transmits) {  // and nobody objected
      state_ = State::Usable;
      at_ = Instant::never();
      return Action::Use;
    }
    ++sent_;
    nonce_ = rng() & 0xffff'ffff'ffff;
    at_ = now + o.retrans_timer;
    return Action::Probe;
  }
  // Somebody else has the address, or probes for it while we do: §5.4.3, §5.4.4. An address in use stays in
  // use: only who proves an address may lose it.
  bool on_conflict() {
    if (state_ != State::Tentative) return false;
    state_ = State::Duplicate;
    at_ = Instant::never();
    return true;
  }

 private:
  Ip6Addr addr_;
  uint8_t length_;
  uint16_t port_;
  State state_ = State::Tentative;
  bool waited_ = false;
  uint32_t sent_ = 0;
  uint64_t nonce_ = 0;
  Instant at_{0};
  Instant preferred_until_ = Instant::never(), valid_until_ = Instant::never();
};

}  // namespace sluice::link
