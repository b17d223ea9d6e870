// SPDX-License-Identifier: Apache-2.0
// A configuration file and all that it names, read and checked as a whole: at start and at each reload.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "dns/zones.h"

namespace sluice::app {

struct Configuration {
  config::Config config;
  std::vector<std::shared_ptr<const dns::Zones>> zones;  // [dns service]
};

// Nothing when anything is wrong; what, and warnings, go to `complaints`, a line each.
std::optional<Configuration> read_configuration(const std::string& path, std::ostream& complaints);

}  // namespace sluice::app
