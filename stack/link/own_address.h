// SPDX-License-Identifier: Apache-2.0
// Address conflict detection for one address of ours: RFC 5227. Knows no packets: says what to send and when.
#pragma once

#include <cstdint>

#include "base/instant.h"
#include "base/rng.h"
#include "link/options.h"
#include "wire/ip_addr.h"

namespace sluice::link {

class OwnAddress {
 public:
  enum class State : uint8_t { Probing, Announcing, Settled, Conflict };
  enum class Action : uint8_t { None, Probe, Announce };

  // Starts at the first on_deadline(), which is due at once.
  OwnAddress(Ip4Addr addr, uint16_t port, const Options& o)
      : addr_{addr}, port_{port}, state_{o.probe ? State::Probing : State::Announcing} {}

  Ip4Addr addr() const { return addr_; }
  uint16_t port() const { return port_; }
  State state() const { return state_; }
  // May be used as a sender and answered for.
  bool usable() const { return state_ == State::Announcing || state_ == State::Settled; }
  Instant deadline() const { return at_; }

  // What is due by now; call again while deadline() <= now.
  Action on_deadline(Instant now, const Options& o, Rng& rng) {
    if (state_ == State::Conflict) {  // §2.1.1: try again, seldom
      state_ = State::Probing;
      sent_ = 0;
      started_ = false;
    }
    if (state_ == State::Probing) return probe(now, o, rng);
    if (state_ == State::Announcing) return announce(now, o);
    at_ = Instant::never();
    return Action::None;
  }
  // Another station uses the address, or probes for it while we do too.
  Action on_conflict(Instant now, const Options& o) {
    if (!usable()) {  // §2.1.1: somebody was first
      state_ = State::Conflict;
      at_ = now + o.conflict_retry;
      return Action::None;
    }
    // §2.4 (c): we keep the address, since others rely on it, and say so, but not in a loop with a station
    // that does the same.
    if (defended_ && now - defended_at_ < o.defend_interval) return Action::None;
    defended_ = true;
    defended_at_ = now;
    return Action::Announce;
  }

 private:
  Action probe(Instant now, const Options& o, Rng& rng) {
    if (!started_ && o.probe_wait.ns > 0) {
      started_ = true;
      at_ = now + random(Duration{0}, o.probe_wait, rng);
      return Action::None;
    }
    started_ = true;
    if (sent_ == o.probe_num) {  // and nobody objected
      state_ = State::Announcing;
      sent_ = 0;
      return announce(now, o);
    }
    ++sent_;
    at_ = now + (sent_ == o.probe_num ? o.announce_wait : random(o.probe_min, o.probe_max, rng));
    return Action::Probe;
  }
  Action announce(Instant now, const Options& o) {
    ++sent_;
    at_ = now + o.announce_interval;
    if (sent_ >= o.announce_num) {
      state_ = State::Settled;
      at_ = Instant::never();
    }
    return Action::Announce;
  }
  static Duration random(Duration least, Duration most, Rng& rng) {
    if (most <= least) return least;
    return least + Duration{static_cast<int64_t>(rng.below(static_cast<uint64_t>((most - least).ns) + 1))};
  }

  Ip4Addr addr_;
  uint16_t port_;
  State state_;
  bool started_ = false;
  bool defended_ = false;
  uint32_t sent_ = 0;  // probes or announcements
  Instant at_{0};
  Instant defended_at_;
};

}  // namespace sluice::link
