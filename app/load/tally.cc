// SPDX-License-Identifier: Apache-2.0
#include "app/load/tally.h"

namespace sluice::load {

const char* name_of(Fault f) {
  static constexpr const char* names[] = {
#define FAULT(id, name) name,
#include "app/load/faults.def"
#undef FAULT
  };
  return names[static_cast<size_t>(f)];
}

}  // namespace sluice::load
