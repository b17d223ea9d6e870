// SPDX-License-Identifier: Apache-2.0
// The options as documents, made from fields.h.
#pragma once

#include <string>

namespace sluice::config {

std::string schema();  // JSON schema, draft 7, for editors
std::string manual();  // Markdown: a table per section

}  // namespace sluice::config
