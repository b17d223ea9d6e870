// SPDX-License-Identifier: Apache-2.0
// check(): an invariant that holds whatever a peer or a user does. When it breaks, the process says where and
// aborts; it is never the answer to bad input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace sluice {

[[noreturn, gnu::cold, gnu::noinline]] inline void check_failed(const char* what, std::source_location at) {
  std::fprintf(stderr, "%s:%u: broken invariant: %s\n", at.file_name(), at.line(), what);
  std::abort();
}

constexpr void check(bool holds, const char* what,
                     std::source_location at = std::source_location::current()) {
  if (!holds) [[unlikely]]
    check_failed(what, at);
}

}  // namespace sluice
