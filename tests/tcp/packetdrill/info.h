// SPDX-License-Identifier: Apache-2.0
// The names of Linux's struct tcp_info, as far as a connection of ours has them.
#pragma once

#include <optional>
#include <string_view>

#include "tcp/conn.h"

namespace sluice::test::pkt {

// Null: the connection is gone. Nothing: no such value.
std::optional<int64_t> tcp_info(const tcp::Conn*, std::string_view name);

}  // namespace sluice::test::pkt
