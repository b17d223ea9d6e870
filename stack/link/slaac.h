// SPDX-License-Identifier: Apache-2.0
// A host's side of router discovery on one port: whom it asks, which routers and networks it believes in and
// for how long. RFC 4861 §6.3, RFC 4862 §5.5. Bounded. Knows no packets; addresses made of prefixes are
// nd.h's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/instant.h"
#include "base/lines.h"
#include "link/nd_options.h"
#include "wire/ip_addr.h"

namespace sluice::link {

class Slaac {
 public:
  struct Fact {
    Ip6Addr addr;
    uint8_t length = 128;
    Instant until;
  };
  enum class Learned : uint8_t { New, Known, Gone, Refused };

  // §6.3.7: solicitations begin when we have an address to ask from, and end with the first answer.
  void start(Instant now) {
    if (!started_) ask_at_ = now;
    started_ = true;
  }
  bool ask(Instant now, const NdOptions& o) {
    if (now < ask_at_) return false;
    ++asked_;
    ask_at_ = asked_ >= o.router_solicitations ? Instant::never() : now + o.router_solicitation_interval;
    return asked_ <= o.router_solicitations;
  }
  void answered() { ask_at_ = Instant::never(); }

  // A router, or a prefix on the link, that lasts until `until`; not after now: it is gone.
  static Learned learn(LineVector<Fact>& facts, const Ip6Addr& addr, uint8_t length, Instant until,
                       Instant now, size_t most) {
    const auto at =
        std::ranges::find_if(facts, [&](const Fact& f) { return f.addr == addr && f.length == length; });
    if (until <= now) {
      if (at == facts.end()) return Learned::Known;
      facts.erase(at);
      return Learned::Gone;
    }
    if (at != facts.end()) {
      at->until = until;
      return Learned::Known;
    }
    if (facts.size() >= most) return Learned::Refused;
    facts.push_back({addr, length, until});
    return Learned::New;
  }
  // Takes one that has expired out of `facts`; false: none has.
  static bool expired(LineVector<Fact>& facts, Instant now, Fact& out) {
    const auto at = std::ranges::find_if(facts, [&](const Fact& f) { return f.until <= now; });
    if (at == facts.end()) return false;
    out = *at;
    facts.erase(at);
    return true;
  }
  Instant deadline() const {
    Instant first = ask_at_;
    for (const Fact& f : routers) first = std::min(first, f.until);
    for (const Fact& f : networks) first = std::min(first, f.until);
    return first;
  }

  LineVector<Fact> routers, networks;

 private:
  bool started_ = false;
  uint32_t asked_ = 0;
  Instant ask_at_ = Instant::never();
};

}  // namespace sluice::link
