// SPDX-License-Identifier: Apache-2.0
// The options of the DNS room, from options.def.
#pragma once

#include <cstdint>

namespace sluice::dns {

struct Options {
#define OPTION(type, name, dflt, least, most, help) type name = dflt;
#include "dns/options.def"
#undef OPTION
};

constexpr bool in_range(const Options& o) {
#define OPTION(type, name, dflt, least, most, help) \
  if (o.name < (least) || o.name > (most)) return false;
#include "dns/options.def"
#undef OPTION
  return true;
}
static_assert(in_range(Options{}), "a default is outside its own range");

// The most that cname_chain_max can be: the walk's memory is sized by it.
constexpr uint32_t cname_chain_cap = 16;
static_assert(!in_range({.cname_chain_max = cname_chain_cap + 1}) &&
              in_range({.cname_chain_max = cname_chain_cap}));

}  // namespace sluice::dns
