// SPDX-License-Identifier: Apache-2.0
// Seeds and keys, from the kernel's generator. Not for the packet path: it is a system call.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/siphash.h"
#include "wire/tuple.h"

namespace sluice::io {

// Fills `out`; waits, at boot only, until the kernel's generator is seeded.
void random_bytes(MutBytes out);
uint64_t random_seed();
SipKey random_sip_key();
// A key for Toeplitz that spreads well: no 32-bit window of it is all zeros or all ones.
RssKey random_rss_key();

}  // namespace sluice::io
