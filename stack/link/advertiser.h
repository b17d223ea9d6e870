// SPDX-License-Identifier: Apache-2.0
// When a router advertises itself on a port, and what it says: RFC 4861 §6.2. Knows no packets.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/instant.h"
#include "base/rng.h"
#include "wire/ip_addr.h"
#include "wire/nd.h"

namespace sluice::link {

// What the user said of one port.
struct Advertise {
  bool enabled = false;
  wire::RouterAdvertisement::Value head;
  std::vector<wire::PrefixInformation> prefixes;
  std::vector<Ip6Addr> rdnss;      // RFC 8106
  uint32_t rdnss_lifetime = 1800;  // seconds
  uint32_t mtu = 0;                // octets; 0: not said
  Duration most_interval = 600_s;  // MaxRtrAdvInterval, 4 to 1800 s; the least is a third of it
  friend bool operator==(const Advertise&, const Advertise&) = default;

  // Octets of the ICMPv6 message, our MAC included.
  size_t size() const {
    return wire::RouterAdvertisement::len + 8 + (mtu != 0 ? 8u : 0u) +
           prefixes.size() * wire::PrefixInformation::len + (rdnss.empty() ? 0 : 8 + 16 * rdnss.size());
  }
  // Writes the message, its checksum left 0. `last`: we cease to be a router here (§6.2.5).
  void emit(uint8_t* out, const Mac& mac, bool last) const {
    auto h = head;
    if (last) h.lifetime = 0;
    wire::RouterAdvertisement::emit(out, h);
    uint8_t* p = out + wire::RouterAdvertisement::len;
    p += wire::RouterAdvertisement::emit_source(p, mac);
    if (mtu != 0) p += wire::RouterAdvertisement::emit_mtu(p, mtu);
    for (const auto& prefix : prefixes) {
      prefix.store(p);
      p += wire::PrefixInformation::len;
    }
    if (!rdnss.empty()) wire::RouterAdvertisement::emit_rdnss(p, last ? 0 : rdnss_lifetime, rdnss);
  }
};

class Advertiser {
 public:
  // §10
  static constexpr int initial = 3;
  static constexpr Duration initial_interval = 16_s, least_between = 3_s, longest_answer_delay = 500_ms;

  Advertiser(bool enabled, Duration most_interval) : enabled_{enabled}, most_{most_interval} {}

  bool enabled() const { return enabled_; }
  Instant deadline() const { return at_; }
  // The port's link-local address may be used: the first is due.
  void start(Instant now) {
    if (enabled_ && at_ == Instant::never()) at_ = ever_ ? std::max(now, last_ + least_between) : now;
  }
  // Other wishes: start() is to follow where there are any, and brings the next forward.
  void change(bool enabled, Duration most_interval) {
    enabled_ = enabled;
    most_ = most_interval;
    at_ = Instant::never();
  }
  // One has been sent at `now`.
  void sent(Instant now, Rng& rng) {
    last_ = now;
    ever_ = true;
    Duration wait = between(Duration{most_.ns / 3}, most_, rng);
    if (count_ < initial) {
      ++count_;
      wait = std::min(wait, initial_interval);
    }
    at_ = now + wait;
  }
  // Somebody asks: §6.2.6. Answered to all, soon, but not more often than every three seconds.
  void on_solicitation(Instant now, Rng& rng) {
    if (!enabled_ || at_ == Instant::never()) return;
    Instant soon = now + between(Duration{0}, longest_answer_delay, rng);
    if (ever_) soon = std::max(soon, last_ + least_between);
    at_ = std::min(at_, soon);
  }

 private:
  static Duration between(Duration least, Duration most, Rng& rng) {
    return least + Duration{static_cast<int64_t>(rng.below(static_cast<uint64_t>((most - least).ns) + 1))};
  }
  bool enabled_, ever_ = false;
  int count_ = 0;
  Duration most_;
  Instant at_ = Instant::never();
  Instant last_;
};

}  // namespace sluice::link
