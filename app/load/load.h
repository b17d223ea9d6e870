// SPDX-License-Identifier: Apache-2.0
// A kind of load, as the runner drives it on the polling core: get ready, go, stop, drain. Knows no clock.
#pragma once

#include <cstddef>
#include <string>

#include "app/load/tally.h"
#include "base/instant.h"

namespace sluice::load {

class Load {
 public:
  virtual ~Load() = default;

  // One turn: takes what came, sends what is due. Returns how many packets moved. Never waits.
  virtual size_t turn(Instant now) = 0;

  // Asked each turn until it is: neighbours found, references learned, connections to be held open.
  virtual bool ready(Instant now) = 0;
  // Not ready in time: what is missing, and what to do.
  virtual std::string missing() const = 0;
  // From now on it sends.
  virtual void start(Instant now) = 0;
  // What is counted from now on is the result; `tally` was cleared.
  virtual void measure(Instant now) = 0;
  // Sends nothing new from now on, and no longer counts what is not a matter of loss.
  virtual void stop(Instant now) = 0;
  // Nothing is on its way any more; the runner waits a while for it.
  virtual bool drained() const = 0;
  // Leaves the other end clean; true when more is to do.
  virtual bool leave(Instant now) = 0;

  Tally tally;
};

}  // namespace sluice::load
