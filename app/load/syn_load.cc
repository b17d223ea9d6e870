// SPDX-License-Identifier: Apache-2.0
#include "app/load/syn_load.h"

#include <algorithm>

#include "app/load/bulk.h"

namespace sluice::load {

SynLoad::SynLoad(HttpPlan plan, const FloodPlan& flood, Sources sources, Host& host, buf::NetPort& port,
                 const Mac& ours, buf::PacketPool& pool, const Counters& count, Rng& rng)
    : HttpLoad{plan, sources, host},
      flood_plan_{flood},
      server_{plan.server},
      server_port_{plan.port},
      rooms_{host},
      port_{port},
      ours_{ours},
      pool_{pool},
      count_{count},
      rng_{rng} {}

bool SynLoad::ready(Instant now) {
  const bool honest = HttpLoad::ready(now);
  if (flood_) return honest;
  const auto mac = rooms_.mac_of(0, flood_plan_.next_hop, now);
  if (mac) flood_.emplace(ours_, *mac, server_, server_port_, flood_plan_.sources);
  return honest && flood_;
}

void SynLoad::start(Instant now) {
  HttpLoad::start(now);
  pace_ = Pace{now, flood_plan_.rate};
  flooding_ = true;
}

void SynLoad::measure(Instant now) {
  HttpLoad::measure(now);
  answers_before_ = answers();
}

void SynLoad::stop(Instant now) {
  HttpLoad::stop(now);
  flooding_ = false;
  tally.flood_answers.set(answers() - answers_before_);
  give(waiting_);
}

size_t SynLoad::turn(Instant now) {
  const size_t moved = HttpLoad::turn(now);
  return flooding_ ? moved + send(now) : moved;
}

// What comes back to the sources we made up is for nobody here.
uint64_t SynLoad::answers() const { return count_[Counter::ip_not_forwarding]; }

size_t SynLoad::send(Instant now) {
  if (waiting_.empty()) {
    uint64_t n = buf::burst_size;
    if (flood_plan_.rate != 0) {
      const uint64_t due = pace_.due(now) - skipped_;
      const uint64_t behind = due > made_ ? due - made_ : 0;
      constexpr uint64_t patience = 16 * buf::burst_size;
      if (behind > patience) skipped_ += behind - patience;
      n = std::min(n, behind);
    }
    if (n == 0 || !take(pool_, waiting_, static_cast<unsigned>(n))) return 0;
    for (buf::Packet& p : waiting_) flood_->write(p.append(flood_->length()), rng_);
    made_ += n;
  }
  const size_t before = waiting_.size();
  port_.offer(waiting_);
  const size_t taken = before - waiting_.size();
  tally.flood.add(taken);
  return taken;
}

}  // namespace sluice::load
