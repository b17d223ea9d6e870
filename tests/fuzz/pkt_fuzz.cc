// SPDX-License-Identifier: Apache-2.0
// Any text is read as a script, or refused; and what is read is played without harm to the player or the
// room.
#include "tcp/packetdrill/player.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* d, size_t n) {
  if (n > 2048) return 0;
  const std::string_view text{reinterpret_cast<const char*>(d), n};
  (void)sluice::test::pkt::play(text);
  return 0;
}
