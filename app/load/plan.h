// SPDX-License-Identifier: Apache-2.0
// What the command's words ask for, as values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/load/frame.h"
#include "base/instant.h"
#include "io/options.h"
#include "wire/ip_addr.h"
#include "wire/mac.h"
#include "wire/port.h"

namespace sluice::load {

constexpr uint32_t most_flows = 1u << 24;  // each way

enum class Mode : uint8_t { Http, Dns, Udp, Ip, Syn };
const char* name_of(Mode);

// One port of ours.
struct Leg {
  io::DeviceOptions device;
  Prefix address;  // our first one, and the network it is connected to
  IpAddr gateway;  // none: everything else is on the link too
};

struct Plan {
  Mode mode = Mode::Http;

  // common
  std::vector<Leg> legs;  // all addresses are of one family
  bool four() const { return legs[0].address.addr.is_v4(); }
  Carrier carrier() const {  // udp, ip
    if (mode == Mode::Udp) return Carrier::Udp;
    return echo ? Carrier::Echo : Carrier::Bare;
  }
  uint32_t core = 1;
  uint32_t sources = 1;
  Duration duration = 5_s, warmup = 1_s, patience = 30_s;
  std::string json;  // file; "-": standard output
  uint64_t seed = 1;
  uint16_t mtu = 1500;
  uint32_t memory_mb = 0;  // 0: worked out
  bool quiet = false;
  double rate = 0;  // 0: closed loop, or as fast as it goes
  Duration timeout = 10_s;

  // http, syn
  IpAddr server;
  Port port{80};
  std::string authority, target = "/";
  uint32_t connections = 64, requests = 0, pipeline = 1;
  uint16_t expect_status = 200;
  std::string body_file;
  uint64_t upload = 0;
  bool hold = false;
  double flood_rate = 0;
  Prefix flood_sources;

  // dns
  std::string queries_file, name_pattern, type = "A";
  uint32_t outstanding = 256;
  int expect_rcode = -1;    // -1: NOERROR and NXDOMAIN are both fine
  int expect_answers = -1;  // -1: any number

  // udp, ip
  uint32_t flows = 64;
  std::vector<uint16_t> sizes;  // octets of the frame, its check sequence included; 0: IMIX
  Prefix targets;               // where the flows go: `target_count` addresses spread over the prefix
  std::string target_list;      // or a file of addresses, one a line
  uint32_t target_count = 1;
  Port target_port{9};
  bool both_ways = false, echo = false;
  double search = -1;  // the loss that is allowed, 0 to 1; negative: no search
  Mac peer_mac;        // zero: asked by ARP or Neighbour Discovery
};

}  // namespace sluice::load
