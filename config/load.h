// SPDX-License-Identifier: Apache-2.0
// A configuration file's text to a Config, or to everything that is wrong with it. Reads no file itself.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace sluice::config {

struct Error {
  std::string file;
  int line = 1, column = 1;  // from 1
  std::string wrong, right;
};
// "file:line:column: what is wrong, what would be right"
std::string to_text(const Error& e);

// What the checks ask of the machine. An empty function says yes.
struct Environment {
  unsigned cores = 1;  // processor cores that there are
  std::function<bool(uint32_t core)> may_run_on;
  std::function<bool(const std::string& path)> file_exists;
  std::function<bool(const std::string& path)> folder_exists;
  // The bytes of a file that belongs to the configuration, a list of routes; nothing when it cannot be read.
  // Without it such files are not looked at.
  std::function<std::optional<std::string>(const std::string& path)> read_file;
};
// The machine we run on.
Environment this_machine();

// Either a Config that holds all that is checked here, or at least one error, sorted by place. `file_name`
// stands in the errors, and its folder is where relative paths start. Never throws, whatever the bytes.
std::variant<Config, std::vector<Error>> load(std::string_view text, const std::string& file_name,
                                              const Environment& environment);

}  // namespace sluice::config
