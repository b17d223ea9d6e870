// SPDX-License-Identifier: Apache-2.0
// DPDK's environment for tests: no devices, no hugepages, nothing on disk; started once per process, by
// whoever asks first.
#pragma once

#include <rte_eal.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "buf/pool.h"

namespace sluice::test {

inline void start_eal() {
  static const bool started = [] {
    std::vector<std::string> words{"test", "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m",
                                   "256",  "-l",        "0",        "--log-level",    "error"};
    std::vector<char*> argv;
    for (std::string& w : words) argv.push_back(w.data());
    check(rte_eal_init(static_cast<int>(argv.size()), argv.data()) >= 0, "EAL starts without devices");
    return true;
  }();
  (void)started;
}

// A pool for tests, big enough for any of them; its packets_free() tells leaks.
inline buf::PacketPool& packet_pool() {
  start_eal();
  static buf::PacketPool pool{"test", 4095, 4095, buf::PacketPool::data_room, 15};
  check(pool.ok(), "a packet pool for tests");
  return pool;
}

// A contiguous packet holding a copy of `bytes`.
inline buf::Packet packet_of(Bytes bytes) {
  buf::Packet p = packet_pool().alloc();
  check(static_cast<bool>(p), "the test pool has packets");
  if (!bytes.empty()) std::memcpy(p.append(static_cast<uint16_t>(bytes.size())), bytes.data(), bytes.size());
  return p;
}

}  // namespace sluice::test
