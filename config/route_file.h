// SPDX-License-Identifier: Apache-2.0
// A file of routes, one a line, much as `ip route` writes them; made for millions of lines:
//
//   # a comment
//   203.0.113.0/24 via 198.18.0.2          by a gateway
//   198.51.100.0/24 dev lan                by a port: the destinations are on its link
//   default via 198.18.0.2 dev lan         0.0.0.0/0; ::/0 when the gateway is of IPv6
//   2001:db8::/32 via fe80::2 dev lan      IPv6 likewise
//   10.0.0.0/8 via 198.18.0.2 via 198.19.0.2     flows are spread over both
//   10.1.0.0/16 via 198.18.0.2 src 198.18.0.1    what our own packets carry
//   blackhole 192.0.2.0/24                 or unreachable, or prohibit
//
// Reads no file, knows no other option.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/tree.h"

namespace sluice::config {

// Complaints about one file at most; what follows the last is not read.
constexpr size_t route_file_complaints_max = 50;

// The routes in `text`; what is wrong goes to `out`, by line. Never throws, whatever the bytes.
RouteFile parse_route_file(std::string_view text, std::string name, std::vector<Complaint>& out);

}  // namespace sluice::config
