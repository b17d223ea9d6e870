// SPDX-License-Identifier: Apache-2.0
// A request's path as the name of a thing: percent-decoded and without dot segments, RFC 3986 §2.1, §5.2.4.
// Refuses whatever a file system or another reader could take for something else.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace sluice::http {

// `path` starts with '/'. The result does too, and views `path` itself when nothing had to change, else
// `scratch` (at least path.size() octets). Refused: broken escapes; decoded '/', '\', NUL and other control
// characters; a plain '\'; dot segments that climb above the root.
Result<std::string_view> normal_path(std::string_view path, MutBytes scratch);

}  // namespace sluice::http
