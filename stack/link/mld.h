// SPDX-License-Identifier: Apache-2.0
// The groups we listen to on each port, and when to say so: the listener's side of MLDv2, RFC 3810 §6. All
// our memberships are "any source", so a report only names groups. Knows no packets.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/instant.h"
#include "base/lines.h"
#include "base/rng.h"
#include "wire/ip_addr.h"
#include "wire/mac.h"

namespace sluice::link {

class Mld {
 public:
  static constexpr int robustness = 2;                      // §9.1: times a change is told
  static constexpr Duration change_interval = 1_s;          // §9.11: within which it is told again
  static constexpr uint32_t longest_response_ms = 8387584;  // §5.1.3

  explicit Mld(size_t ports) : ports_(ports) {}

  // All nodes is joined from the start and never reported (§6). A group may be joined several times:
  // addresses share solicited-node groups.
  void join(uint16_t port, const Ip6Addr& group, Instant now) {
    Port& p = ports_[port];
    const auto at = std::ranges::find(p.groups, group, &Group::addr);
    if (at != p.groups.end()) {
      ++at->users;
      return;
    }
    p.groups.push_back({group, 1});
    p.changes_left = robustness;
    p.change_at = now;
  }
  void leave(uint16_t port, const Ip6Addr& group) {
    Port& p = ports_[port];
    const auto at = std::ranges::find(p.groups, group, &Group::addr);
    if (at == p.groups.end() || --at->users != 0) return;
    p.groups.erase(at);
  }
  void leave_all(uint16_t port) { ports_[port] = {}; }
  // There are more ports now.
  void ports(size_t n) { ports_.resize(n); }
  bool joined(uint16_t port, const Ip6Addr& group) const {
    return group == Ip6Addr::all_nodes() ||
           std::ranges::find(ports_[port].groups, group, &Group::addr) != ports_[port].groups.end();
  }
  // Whether frames to this group MAC may hold packets for a group of ours.
  bool wanted(uint16_t port, const Mac& mac) const {
    if (mac == Mac::ip6_group(1)) return true;
    return std::ranges::any_of(ports_[port].groups, [&](const Group& g) { return mac == mac_of(g.addr); });
  }
  static Mac mac_of(const Ip6Addr& group) { return Mac::ip6_group(load_be<uint32_t>(group.b.data() + 12)); }

  // A query came: §6.2. `group` unspecified: about all groups. Answered within `within`, at a random time.
  void on_query(uint16_t port, const Ip6Addr& group, Duration within, Instant now, Rng& rng) {
    Port& p = ports_[port];
    if (p.groups.empty() || (!group.is_unspecified() && !joined(port, group))) return;
    const Instant at = now + Duration{static_cast<int64_t>(rng.below(static_cast<uint64_t>(within.ns) + 1))};
    p.answer_at = std::min(p.answer_at, at);
  }

  Instant deadline() const {
    Instant first = Instant::never();
    for (const Port& p : ports_)
      first = std::min({first, p.answer_at, p.changes_left != 0 ? p.change_at : Instant::never()});
    return first;
  }
  // Calls f(port, groups, change) for each report that is due; groups are never empty.
  template <class F>
  void expire(Instant now, Rng& rng, F&& f) {
    for (uint16_t i = 0; i < ports_.size(); ++i) {
      Port& p = ports_[i];
      const bool change = p.changes_left != 0 && now >= p.change_at, answer = now >= p.answer_at;
      if (!change && !answer) continue;
      if (change) {
        --p.changes_left;
        p.change_at =
            now + Duration{static_cast<int64_t>(rng.below(static_cast<uint64_t>(change_interval.ns)))};
      }
      p.answer_at = Instant::never();
      LineVector<Ip6Addr>& all = scratch_;
      all.clear();
      for (const Group& g : p.groups) all.push_back(g.addr);
      if (!all.empty()) f(i, std::span<const Ip6Addr>{all}, change);
    }
  }

 private:
  struct Group {
    Ip6Addr addr;
    uint32_t users;
  };
  struct Port {
    LineVector<Group> groups;
    int changes_left = 0;
    Instant change_at;
    Instant answer_at = Instant::never();
  };
  LineVector<Port> ports_;
  LineVector<Ip6Addr> scratch_;
};

}  // namespace sluice::link
