// SPDX-License-Identifier: Apache-2.0
// What became of a device's links since one last looked, in words for the log.
#pragma once

#include <string>
#include <vector>

#include "io/device.h"

namespace sluice::app {

struct LinkState {
  bool up;
  std::vector<io::Device::Member> members;  // of a bond; always the same ones in the same order
};

// A line for each change, "port lan: ..."; none when nothing changed.
std::vector<std::string> link_news(const std::string& port, const LinkState& was, const LinkState& is);

}  // namespace sluice::app
