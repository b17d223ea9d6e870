// SPDX-License-Identifier: Apache-2.0
// Whether this build looks for errors of memory and behaviour, at many times the cost.
#pragma once

#include <cstddef>

namespace sluice::test {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
#else
constexpr bool sanitized = false;
#endif

// How many rounds of random work: all of them in the release build, a tenth where each costs ten times as
// much.
constexpr size_t rounds(size_t all) { return sanitized ? all / 10 : all; }

}  // namespace sluice::test
