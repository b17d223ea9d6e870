// SPDX-License-Identifier: Apache-2.0
#include "app/estimate.h"

#include <algorithm>
#include <filesystem>

#include "buf/pool.h"

namespace sluice::app {
namespace {

// Octets of the regular files below a folder, and a page each for head fields and alignment.
uint64_t folder_octets(const std::string& root) {
  namespace fs = std::filesystem;
  uint64_t octets = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it{root, fs::directory_options::skip_permission_denied, error}, end;
       !error && it != end; it.increment(error)) {
    std::error_code ignored;
    // A piece is aligned to a power of two at most twice its size.
    if (it->is_regular_file(ignored)) octets += 2 * it->file_size(ignored) + 4096;
  }
  return octets;
}

}  // namespace

uint16_t packet_room(const config::Config& c) {
  uint16_t room = buf::PacketPool::data_room;
  for (const config::Port& p : c.ports) room = std::max(room, buf::PacketPool::room_for(p.mtu));
  return room;
}

uint32_t estimate_megabytes(const config::Config& c) {
  const uint64_t workers = c.workers.cores.size();
  constexpr uint64_t mbuf = 128 + 64;  // an mbuf, its pool's bookkeeping and its place in the rings
  uint64_t octets = c.memory.packets * (mbuf + packet_room(c)) + c.memory.headers * (mbuf + 64);
  octets += workers * c.memory.chunks * (buf::ChunkPool::chunk_size + 64);
  octets += workers * workers * c.ports.size() * c.workers.ring * 2 * 8;
  for (const config::HttpService& service : c.http)
    for (const config::Site& site : service.sites) octets += folder_octets(c.path(site.root));
  octets += 96u << 20;  // the FIB's first table (2^24 entries of 4 octets) and its second
  octets += 64u << 20;  // drivers and DPDK itself
  return static_cast<uint32_t>(octets * 5 / 4 >> 20);
}

}  // namespace sluice::app
