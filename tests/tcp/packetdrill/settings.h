// SPDX-License-Identifier: Apache-2.0
// What a script asks of the room before it begins: its --flags, its shell lines, the socket options it sets.
// Options are a worker's in sluice, so they hold for the whole script.
#pragma once

#include "tcp/options.h"
#include "tcp/output.h"
#include "tcp/packetdrill/player.h"
#include "tcp/packetdrill/script.h"

namespace sluice::test::pkt {

struct Settings {
  tcp::Options options;
  tcp::Path path;
  Duration tolerance = 2_ms;  // the timer wheel's tick and the rounding up to it
  double tolerance_part = 0;  // of the time since the event before
  bool checks_timestamps = true;
};

// Throws Fault.
Settings settings_of(const Script&, const Manners&);

}  // namespace sluice::test::pkt
