// SPDX-License-Identifier: Apache-2.0
// Connections whose peer tells in blocks what it has (RFC 2018).
#pragma once

#include "support/script.h"

namespace sluice::test {

inline World sacks() {
  return World{}.with([](World& w) {
    w.options.sack = true;
    w.options.pacing = false;
    w.syn.sack_permitted = true;
  });
}
inline World stamped_sacks() {
  return sacks().with([](World& w) {
    w.options.timestamps = true;
    w.syn.ts = {1000, 0};
    w.syn.mss = 1012;  // 1000 octets beside timestamps
  });
}

// Established over a path with this round trip.
inline Script open(const World& w, Duration rtt = 40_ms) {
  Script s = Script::passive(w);
  s.sends({.seq = 0, .ack = 1, .flags = Script::syn | Script::ack}).after(rtt);
  if (w.options.timestamps)
    s.gets({.ack = 1, .ts = {{1001, 1000}}});
  else
    s.gets({.ack = 1});
  s.quiet();
  s.events();
  return s;
}
// `n` full segments are written and sent, from `seq` on.
inline void send(Script& t, uint32_t n, uint32_t seq = 1) {
  t.write(n * 1000);
  for (uint32_t i = 0; i < n; ++i) t.sends({.seq = seq + 1000 * i, .len = 1000});
  t.quiet();
}

}  // namespace sluice::test
