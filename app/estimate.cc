// SPDX-License-Identifier: Apache-2.0
#include "app/estimate.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <unordered_set>

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

// A group of 1 KiB wherever something longer lies behind 16 bits, 24 bits and so on; and a chunk more of each
// table of each VRF than is needed.
uint64_t route_octets(const config::Config& c) {
  std::unordered_map<std::string, std::unordered_set<uint64_t>> vrfs;
  uint64_t deep = 0;  // IPv6, behind 64 bits: hardly ever shared
  const auto count = [&](std::unordered_set<uint64_t>& groups, const Prefix& p) {
    const bool four = p.addr.is_v4();
    const uint64_t a = four ? uint64_t{p.addr.v4().v} << 32 : load_be<uint64_t>(p.addr.bytes().data());
    for (unsigned bits = 16; bits < p.length; bits += 8)
      if (bits < 64)
        groups.insert(a >> (64 - bits) | uint64_t{bits + (four ? 1u : 0u)} << 56);
      else
        ++deep;
  };
  for (const config::Port& p : c.ports) (void)vrfs[p.vrf];
  for (const config::Route& r : c.routes) count(vrfs[r.vrf], r.to);
  for (const config::RouteFile& file : c.file_routes)
    for (const config::RouteFile::Entry& e : file.routes) count(vrfs[config::default_vrf], e.to);
  uint64_t groups = 0;
  for (const auto& [ignored, of_vrf] : vrfs) groups += of_vrf.size();
  return (groups + deep) * 1024 + (6u << 20) + vrfs.size() * (2u << 20);
}

}  // namespace

uint16_t packet_room(const config::Config& c) {
  uint16_t room = buf::PacketPool::data_room;
  for (const config::Port& p : c.ports) {
    // net_af_packet wants to find room for the whole of the kernel's frame: io::device_arguments().
    const int more = p.device.wire() == io::DeviceKind::af_packet && p.mtu > 1900 ? 1088 : 0;
    room = std::max(room, buf::PacketPool::room_for(static_cast<uint16_t>(p.mtu + more)));
  }
  return room;
}

uint32_t estimate_megabytes(const config::Config& c) {
  const uint64_t workers = c.workers.cores.size();
  constexpr uint64_t mbuf = 128 + 64;  // an mbuf, its pool's bookkeeping and its place in the rings
  uint64_t octets = c.memory.packets * (mbuf + packet_room(c)) + c.memory.headers * (mbuf + 64);
  octets += c.memory.large * (mbuf + uint64_t{buf::Packet::large_room});
  octets += workers * c.memory.chunks * (buf::ChunkPool::chunk_size + 64);
  for (const config::Port& p : c.ports)
    if (!p.parent) octets += workers * workers * c.workers.ring * 2 * 8;
  for (const config::HttpService& service : c.http)
    for (const config::Site& site : service.sites) octets += folder_octets(c.path(site.root));
  octets += route_octets(c);
  octets += 64u << 20;  // drivers and DPDK itself
  return static_cast<uint32_t>(octets * 5 / 4 >> 20);
}

}  // namespace sluice::app
