// SPDX-License-Identifier: Apache-2.0
// The zones of a configuration, read and checked.
#pragma once

#include <memory>
#include <vector>

#include "config/load.h"
#include "dns/zones.h"

namespace sluice::app {

// [i]: what dns[i] answers from. Everything wrong with the files goes to `errors`, warnings to `warnings`,
// one line each.
std::vector<std::shared_ptr<const dns::Zones>> load_zones(const config::Config&,
                                                          std::vector<config::Error>& errors,
                                                          std::vector<std::string>& warnings);

}  // namespace sluice::app
