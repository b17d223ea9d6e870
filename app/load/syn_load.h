// SPDX-License-Identifier: Apache-2.0
// Honest HTTP clients beside a SYN flood: what becomes of them is what counts.
#pragma once

#include <optional>

#include "app/load/flood.h"
#include "app/load/http_load.h"

namespace sluice::load {

struct FloodPlan {
  double rate = 0;  // SYNs a second; 0: as fast as it goes
  Prefix sources;   // the server's way to them leads to us, or nobody hears its answers
  IpAddr next_hop;
};

class SynLoad final : public HttpLoad {
 public:
  SynLoad(HttpPlan, const FloodPlan&, Sources, Host&, buf::NetPort&, const Mac& ours, buf::PacketPool&,
          const Counters&, Rng&);

  size_t turn(Instant now) override;
  bool ready(Instant now) override;
  void start(Instant now) override;
  void measure(Instant now) override;
  void stop(Instant now) override;

 private:
  size_t send(Instant now);
  uint64_t answers() const;

  FloodPlan flood_plan_;
  IpAddr server_;
  Port server_port_;
  Host& rooms_;
  buf::NetPort& port_;
  Mac ours_;
  buf::PacketPool& pool_;
  const Counters& count_;
  Rng& rng_;
  std::optional<Flood> flood_;
  Pace pace_;
  uint64_t made_ = 0, skipped_ = 0, answers_before_ = 0;
  buf::Batch waiting_;
  bool flooding_ = false;
};

}  // namespace sluice::load
