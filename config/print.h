// SPDX-License-Identifier: Apache-2.0
// A Config as the YAML that loads back to it.
#pragma once

#include <string>

#include "config/config.h"

namespace sluice::config {

// The effective configuration: every key, defaults too; one that has no value is a comment. Loading it under the same file
// name gives the same Config.
std::string print(const Config& config);

}  // namespace sluice::config
