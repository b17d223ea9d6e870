// SPDX-License-Identifier: Apache-2.0
// What a configuration says, as plain values. Knows no YAML and opens no file; defaults stand here or in the
// rooms' options.def, and nowhere else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dns/options.h"
#include "http/options.h"
#include "io/options.h"
#include "ip/options.h"
#include "link/nd_options.h"
#include "link/options.h"
#include "serve/inetd_options.h"
#include "tcp/options.h"
#include "udp/options.h"
#include "wire/ip_addr.h"
#include "wire/mac.h"
#include "wire/port.h"

namespace sluice::config {

enum class Mode : uint8_t { Latency, Balanced, Efficient };
enum class Hugepages : uint8_t { Auto, On, Off };
enum class RouteKind : uint8_t { Forward, Blackhole, Unreachable, Prohibit };
enum class ReversePath : uint8_t { Off, Loose, Strict };
enum class OuterTag : uint8_t { Ieee8021ad, Ieee8021q };  // of two: 0x88a8 or 0x8100 in front

// The VRF of what names none: a table of routes and addresses of its own (ip/README.md).
inline constexpr const char* default_vrf = "default";

// How much of the maximum segment size a port leaves in SYNs of connections through us.
struct MssClamp {
  enum class Kind : uint8_t { Off, Mtu, Number };
  static constexpr uint16_t least = 536;      // what everybody takes without having said so: RFC 9293 §3.7.1
  static constexpr uint16_t greatest = 8960;  // what the largest MTU of a port holds
  Kind kind = Kind::Off;
  uint16_t number = 0;  // octets of text, with Number
  friend bool operator==(const MssClamp&, const MssClamp&) = default;
};

// Where a service listens. Address 0.0.0.0: every address of ours.
struct Endpoint {
  IpAddr addr;
  sluice::Port port;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct Workers {
  std::vector<uint32_t> cores = {0};
  Mode mode = Mode::Balanced;
  uint32_t ring = 1024;  // packets
};

struct Memory {
  Hugepages hugepages = Hugepages::Auto;
  uint32_t packets = 16384;  // mbufs with data room, all workers together
  uint32_t headers = 16384;  // mbufs without, all workers together
  uint32_t large = 64;       // mbufs of 64 KiB, all workers together
  uint32_t chunks = 4096;    // per worker, 2048 octets each
  uint32_t links = 65536;    // per worker
  uint32_t megabytes = 0;    // MiB; 0: worked out from the above
};

// What we tell the IPv6 hosts of a port as their router: RFC 4861 §6.2.1, RFC 8106.
struct Advertise {
  bool enabled = false;
  Duration lifetime = 1800_s;    // as a default router; 0: none
  Duration interval = 600_s;     // between two advertisements, at most
  std::vector<Prefix> prefixes;  // no host bits
  Duration valid = 2'592'000_s, preferred = 604'800_s;
  std::vector<IpAddr> rdnss;            // recursive DNS servers
  uint32_t mtu = 0;                     // 0: not said
  bool managed = false, other = false;  // DHCPv6 for addresses, for the rest
};

// Who has an address, whatever the network says.
struct Neighbour {
  IpAddr address;
  Mac mac;
};

// A network port: a device, or the frames of another port that carry a VLAN tag; and who we are on it.
struct Port {
  std::string name;                   // unique
  io::DeviceOptions device;           // of a port without parent
  std::optional<std::string> parent;  // the name of the port whose frames with these tags are ours
  uint16_t vlan = 0, outer_vlan = 0;  // 0: no such tag
  OuterTag outer_tag = OuterTag::Ieee8021ad;
  std::string vrf = default_vrf;  // whose routes and addresses its packets know; not the parent's
  std::vector<Prefix> addresses;  // host bits are our address
  std::optional<Mac> mac;         // none: the device's own
  std::vector<Neighbour> neighbours;
  uint16_t mtu = 1500;  // octets of an IP packet; load() gives a port with a parent the parent's
  uint16_t queues = 0;  // 0: one per worker where the device has them
  uint16_t rx_descriptors = 1024, tx_descriptors = 1024;
  bool promiscuous = false;
  bool slaac = false;  // follows IPv6 router advertisements
  Advertise advertise;
  ReversePath reverse_path = ReversePath::Off;
  MssClamp mss_clamp;
  io::ImpairOptions impair;
};

// A static route. Forward: `via` on a connected network, or `port` alone for a destination on the link.
struct Route {
  Prefix to;  // no host bits
  std::string vrf = default_vrf;
  RouteKind kind = RouteKind::Forward;
  std::optional<IpAddr> via;
  std::optional<std::string> port;  // the name of a port
  std::vector<IpAddr> more;         // further gateways, with `via`
  std::optional<IpAddr> source;
  std::optional<tcp::Algorithm> congestion;
  uint16_t mss = 0;  // octets of text in a TCP segment of ours; 0: what the port's MTU allows
};

// What routes of a file say besides their destination, and where it is said first.
struct RouteWay {
  struct Hop {
    std::optional<IpAddr> via;
    std::optional<std::string> port;  // the name of a port
  };
  RouteKind kind = RouteKind::Forward;
  std::vector<Hop> hops;  // with more than one, flows are spread over them
  std::optional<IpAddr> source;
  int line = 1, column = 1;
};

// A file of routes as it was read (route_file.h): far too many for a Route each. All are of the default VRF.
struct RouteFile {
  struct Entry {
    Prefix to;         // no host bits
    uint32_t way = 0;  // index
    uint32_t line = 1;
  };
  std::string name;
  std::vector<RouteWay> ways;
  std::vector<Entry> routes;
};

struct Zone {
  std::string name;
  std::string file;  // see Config::path
};

struct DnsService {
  std::vector<Endpoint> listen;
  std::string vrf = default_vrf;
  std::vector<Zone> zones;
  dns::Options options;
};

struct Site {
  std::vector<std::string> names;
  std::string root;  // a folder; see Config::path
};

struct HttpService {
  std::vector<Endpoint> listen;
  std::string vrf = default_vrf;
  std::vector<Site> sites;  // the first answers names nobody has
  std::optional<tcp::Algorithm> congestion;
  tcp::ListenerLimits limits;
  http::Options options;
};

// An echo or a discard service, over UDP and TCP.
struct InetdService {
  std::vector<Endpoint> listen;
  std::string vrf = default_vrf;
  std::optional<tcp::Algorithm> congestion;
  tcp::ListenerLimits limits;
  serve::InetdOptions options;
};

struct Metrics {
  std::optional<Endpoint> listen;  // an address of the kernel's; none: no metrics are served
};

// All but the routes, of which there may be a million.
struct Settings {
  Workers workers;
  Memory memory;
  std::vector<Port> ports;
#define ROOM(name, type, help) type name;
#include "config/rooms.def"
#undef ROOM
  std::vector<DnsService> dns;
  std::vector<HttpService> http;
  std::vector<InetdService> echo, discard;
  Metrics metrics;
  std::string folder;  // of the configuration file, with its last slash; empty: the working directory
};

struct Config : Settings {
  std::vector<Route> routes;
  std::vector<std::string> route_files;  // see path()
  std::vector<RouteFile> file_routes;    // [i]: what route_files[i] holds, when load() was given its text

  // A file named in the configuration, as the process can open it: relative ones lie beside the
  // configuration.
  std::string path(const std::string& file) const { return file.starts_with('/') ? file : folder + file; }
};

}  // namespace sluice::config
