// SPDX-License-Identifier: Apache-2.0
// TCP's knobs as structs; the numbers stand in options.def and limits.def with range and help.
#pragma once

#include <cstdint>
#include <optional>

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

// Of limits.def, what holds for a connection.
struct Limits {
#define OPTION(type, name, dflt, least, most, help) type name = dflt;
#include "tcp/limits.def"
#undef OPTION
  bool operator==(const Limits&) const = default;
};

constexpr size_t most_limits = 255;  // different ones that the listeners of a room may have, and its own

// What a listener says of them; what it leaves open is as the room has it.
struct ListenerLimits {
#define OPTION(type, name, dflt, least, most, help) std::optional<type> name{};
#include "tcp/limits.def"
#undef OPTION

  Limits over(const Options& o) const {
    Limits l;
#define OPTION(type, name, dflt, least, most, help) l.name = name.value_or(o.name);
#include "tcp/limits.def"
#undef OPTION
    return l;
  }
};

}  // namespace sluice::tcp
