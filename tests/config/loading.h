// SPDX-License-Identifier: Apache-2.0
// Texts, and what loading them comes to.
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>

#include "config/load.h"

namespace sluice::config {

// A machine with four cores, on which a file or folder exists unless it is called missing*.
inline const Environment machine{
    .cores = 4,
    .may_run_on = [](uint32_t core) { return core != 3; },
    .file_exists = [](const std::string& path) { return path.find("missing") == std::string::npos; },
    .folder_exists = [](const std::string& path) { return path.find("missing") == std::string::npos; }};

inline std::string problems(std::string_view text) {
  const auto result = load(text, "f.yaml", machine);
  if (std::holds_alternative<Config>(result)) return "";
  std::string all;
  for (const Error& e : std::get<std::vector<Error>>(result)) all += to_text(e) + "\n";
  return all;
}

inline Config good(const std::string& text) {
  auto result = load(text, "folder/f.yaml", machine);
  if (const auto* errors = std::get_if<std::vector<Error>>(&result)) {
    for (const Error& e : *errors) ADD_FAILURE() << to_text(e) << "\nin\n" << text;
    return {};
  }
  return std::get<Config>(std::move(result));
}

struct Case {
  const char* claim;
  const char* text;      // after `lan`, which takes lines 1 and 2, when `with_port`
  const char* problems;  // every line
  bool with_port = true;
};
inline const char* const lan = "ports:\n  - { name: lan, device: { tap: t0 }, addresses: [198.18.0.1/24] }\n";

inline void expect(std::span<const Case> cases) {
  for (const Case& c : cases)
    EXPECT_EQ(problems((c.with_port ? lan : "") + std::string{c.text}), c.problems) << c.claim;
}

}  // namespace sluice::config
