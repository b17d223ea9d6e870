// SPDX-License-Identifier: Apache-2.0
// Whether this build looks for errors of memory and behaviour, at many times the cost.
#pragma once

namespace sluice {

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

}  // namespace sluice
