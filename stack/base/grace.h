// SPDX-License-Identifier: Apache-2.0
// When may memory that readers were using be used again? A writer that takes something out of a shared
// structure asks for a token, and waits, while it does other things, until every reader has been between two
// bursts since.
#pragma once

#include <cstdint>

namespace sluice {

class Grace {
 public:
  virtual ~Grace() = default;
  virtual uint64_t start() = 0;
  // Never waits. Once true for a token, true for all earlier ones.
  virtual bool passed(uint64_t token) = 0;
};

}  // namespace sluice
