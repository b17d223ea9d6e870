// SPDX-License-Identifier: Apache-2.0
// Prints the manual page or the JSON schema: what scripts/docs-options puts into the tree.
#include <cstdio>
#include <string_view>

#include "config/document.h"

int main(int argc, char** argv) {
  const std::string_view what = argc == 2 ? argv[1] : "";
  if (what != "manual" && what != "schema") {
    std::fputs("usage: describe-options manual|schema\n", stderr);
    return 2;
  }
  std::fputs((what == "manual" ? sluice::config::manual() : sluice::config::schema()).c_str(), stdout);
  return 0;
}
