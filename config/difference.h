// SPDX-License-Identifier: Apache-2.0
// In what two configurations differ, by key.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace sluice::config {

// "workers.cores", "ports[lan].mtu", "http[0].sites[1].root"; entries of a list that only one of them has as
// a whole, "ports[wan]". In the order of the alphabet. What files hold is not compared.
std::vector<std::string> differences(const Config& a, const Config& b);

}  // namespace sluice::config
