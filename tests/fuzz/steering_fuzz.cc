// SPDX-License-Identifier: Apache-2.0
// Any bytes as a received frame: an owner is found, the same each time, and nothing is read past the end.
#include <cstdlib>

#include "io/steering.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sluice::io::Steering steering{sluice::RssKey{0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b}, 5};
  const size_t owner = steering.owner({data, size});
  if (owner >= 5 || owner != steering.owner({data, size})) std::abort();
  return 0;
}
