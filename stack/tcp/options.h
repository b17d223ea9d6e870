// SPDX-License-Identifier: Apache-2.0
// TCP's knobs as a struct; the numbers stand in options.def with range and help.
#pragma once

#include <cstdint>

#include "base/instant.h"

namespace sluice::tcp {

enum class Algorithm : uint8_t { Cubic, Reno, Bbr };  // of congestion control
constexpr const char* name_of(Algorithm a) {
  return a == Algorithm::Cubic ? "cubic" : a == Algorithm::Reno ? "reno" : "bbr";
}

struct Options {
  Algorithm congestion = Algorithm::Cubic;
#define OPTION(type, name, dflt, least, most, help) type name = dflt;
#include "tcp/options.def"
#undef OPTION
};

}  // namespace sluice::tcp
