// SPDX-License-Identifier: Apache-2.0
// What a file holds, told by its name: media types, RFC 9110 §8.3. Never looks inside a file.
#pragma once

#include <string_view>

namespace sluice::serve {

// The value of Content-Type; application/octet-stream for endings nobody knows.
std::string_view media_type(std::string_view file_name);

}  // namespace sluice::serve
