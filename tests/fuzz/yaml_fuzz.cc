// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration: errors with a place in the file, or a Config that prints to text which loads
// to the same.
#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "config/load.h"
#include "config/print.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const config::Environment machine{.cores = 4, .file_exists = {}, .folder_exists = {}};
  const std::string_view text = as_text({data, size});
  const auto result = config::load(text, "f.yaml", machine);
  if (const auto* errors = std::get_if<std::vector<config::Error>>(&result)) {
    check(!errors->empty(), "a refusal has a reason");
    const auto lines =
        std::count(text.begin(), text.end(), '\n') + std::count(text.begin(), text.end(), '\r') + 2;
    for (const config::Error& e : *errors) {
      check(e.line >= 1 && e.line <= lines && e.column >= 1, "an error lies in the file");
      check(!e.wrong.empty() && !e.right.empty(), "an error says what is wrong and what would be right");
    }
    return 0;
  }
  const std::string printed = config::print(std::get<config::Config>(result));
  const auto again = config::load(printed, "f.yaml", machine);
  check(std::holds_alternative<config::Config>(again), "what was printed loads");
  check(config::print(std::get<config::Config>(again)) == printed, "and is the same");
  return 0;
}
