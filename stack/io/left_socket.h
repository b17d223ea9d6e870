// SPDX-License-Identifier: Apache-2.0
// Sockets in the file system whose program was killed: their names stay, and could not be bound again.
#pragma once

#include <string>

namespace sluice::io {

// Removes the socket `path` when nobody listens at it. Empty, or why no socket of ours can be made there:
// then what is there stays. To be asked before DPDK is, which removes in the end whatever bears the name.
std::string make_way_for_socket(const std::string& path);

}  // namespace sluice::io
