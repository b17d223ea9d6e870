// SPDX-License-Identifier: Apache-2.0
// One direction of a bad line, in virtual time: a bottleneck with a queue, then a delay, and on the way what
// a seed decides: loss at random and in bursts, reordering, duplication, corruption, congestion marks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/instant.h"
#include "base/rng.h"

namespace sluice::test::netsim {

struct LinkOptions {
  uint64_t rate = 0;  // bits a second; 0: no bottleneck
  Duration delay = 10_ms;
  uint32_t queue = 125'000;  // octets that wait at the bottleneck; what comes when it is full is dropped
  uint32_t mark_above = 0;   // octets in the queue from which on ECT packets are marked CE; 0: never
  double loss = 0;
  // Gilbert and Elliott: in the bad state packets are lost with `bad_loss`; states change before each packet.
  double to_bad = 0, to_good = 0.3, bad_loss = 0.5;
  double reorder = 0;  // of packets that are held back by up to `reorder_by`
  Duration reorder_by = 5_ms;
  double duplicate = 0, corrupt = 0;
};

struct Datagram {
  std::vector<uint8_t> segment;
  uint8_t ecn = 0;
};

class Link {
 public:
  struct Counts {
    uint64_t sent = 0, queue_drops = 0, losses = 0, marks = 0, corrupted = 0, duplicated = 0, reordered = 0;
  };

  Link(const LinkOptions& o, uint64_t seed) : o_{o}, rng_{seed} {}

  void send(Datagram d, Instant now) {
    ++counts_.sent;
    Instant leaves = now;
    if (o_.rate != 0) {
      constexpr size_t below = 20 + 38;  // IP, Ethernet with preamble and gap
      const uint64_t octets = d.segment.size() + below;
      const uint64_t waiting =
          free_at_ > now ? static_cast<uint64_t>((free_at_ - now).ns) * o_.rate / 8'000'000'000 : 0;
      if (waiting + octets > o_.queue) {
        ++counts_.queue_drops;
        return;
      }
      const bool ect = d.ecn == 1 || d.ecn == 2;
      if (o_.mark_above != 0 && ect && waiting > o_.mark_above) {
        d.ecn = 3;
        ++counts_.marks;
      }
      free_at_ = std::max(free_at_, now) + Duration{static_cast<int64_t>(octets * 8'000'000'000 / o_.rate)};
      leaves = free_at_;
    }
    bad_ = bad_ ? !rng_.chance(o_.to_good) : rng_.chance(o_.to_bad);
    if (rng_.chance(o_.loss) || (bad_ && rng_.chance(o_.bad_loss))) {
      ++counts_.losses;
      return;
    }
    if (rng_.chance(o_.duplicate)) {
      ++counts_.duplicated;
      fly(d, leaves);
    }
    if (rng_.chance(o_.corrupt)) {
      ++counts_.corrupted;
      d.segment[rng_.below(d.segment.size())] ^= static_cast<uint8_t>(1 + rng_.below(255));
    }
    fly(std::move(d), leaves);
  }
  Instant next() const { return flying_.empty() ? Instant::never() : flying_.begin()->first; }
  // What has arrived by `now`, in the order of arrival.
  std::optional<Datagram> take(Instant now) {
    if (next() > now) return std::nullopt;
    auto d = std::move(flying_.extract(flying_.begin()).mapped());
    return d;
  }
  const Counts& counts() const { return counts_; }
  // The line changes; what flies arrives as it would have.
  void set(const LinkOptions& o) { o_ = o; }

 private:
  void fly(Datagram d, Instant leaves) {
    Instant at = leaves + o_.delay;
    if (rng_.chance(o_.reorder)) {
      ++counts_.reordered;
      at = at + Duration{static_cast<int64_t>(rng_.below(static_cast<uint64_t>(o_.reorder_by.ns) + 1))};
    }
    flying_.emplace(at, std::move(d));  // equal times keep their order
  }

  LinkOptions o_;
  Rng rng_;
  bool bad_ = false;
  Instant free_at_;
  std::multimap<Instant, Datagram> flying_;
  Counts counts_;
};

}  // namespace sluice::test::netsim
