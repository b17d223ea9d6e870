// SPDX-License-Identifier: Apache-2.0
// The word a person probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

// The word of `words` with the least edit distance (a swap of neighbours counts one) to `word`, the first of equals; empty
// when more than a third of the letters, and more than two, would have to change.
std::string nearest(std::string_view word, const std::vector<std::string>& words);

}  // namespace sluice::config
