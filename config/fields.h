// SPDX-License-Identifier: Apache-2.0
// Every key of a configuration once: name, help, range, and the member that holds it, told to a visitor. The
// loader, the printer, the JSON schema and the manual are such visitors, so they cannot disagree. Knows no
// YAML.
//
// A visitor has: number(Key, member, least, most); numbers(Key, vector, least, most, Count); value(Key,
// member) and list(Key, vector, Count) for what has a Codec; text(Key, member, TextKind) and texts(Key,
// vector, TextKind, Count); section(Key, member) and sections(Key, vector, Count) for what has fields();
// device(Key, member).
#pragma once

#include "config/codec.h"
#include "config/config.h"

namespace sluice::config {

struct Key {
  const char* name;
  const char* help;
  bool required = false;
};

// How many entries a list may have.
struct Count {
  size_t least, most;
};

#define OPTION(type, name, dflt, least, most, help) \
  v.number(Key{#name, help}, o.name, static_cast<type>(least), static_cast<type>(most));
template <class V>
void fields(V& v, link::Options& o) {
#include "link/options.def"
}
template <class V>
void fields(V& v, link::NdOptions& o) {
#include "link/nd_options.def"
}
template <class V>
void fields(V& v, ip::Options& o) {
#include "ip/options.def"
}
template <class V>
void fields(V& v, udp::Options& o) {
#include "udp/options.def"
}
template <class V>
void fields(V& v, tcp::Options& o) {
  v.value(Key{"congestion",
              "congestion control (RFC 9438 CUBIC, RFC 6582 NewReno, BBR for lines that lose packets without "
              "being full) where no service or route says otherwise"},
          o.congestion);
#include "tcp/options.def"
}
template <class V>
void fields(V& v, tcp::ListenerLimits& o) {
#include "tcp/limits.def"
}
template <class V>
void fields(V& v, dns::Options& o) {
#include "dns/options.def"
}
template <class V>
void fields(V& v, http::Options& o) {
#include "http/options.def"
}
template <class V>
void fields(V& v, serve::InetdOptions& o) {
#include "serve/inetd_options.def"
}
template <class V>
void fields(V& v, io::ImpairOptions& o) {
#include "io/impair_options.def"
}
#undef OPTION

template <class V>
void fields(V& v, Workers& w) {
  v.numbers(Key{"cores", "the processor cores that poll, one worker on each"}, w.cores, 0u, 1023u,
            Count{1, 128});
  v.value(
      Key{"mode",
          "how an idle worker waits: latency never sleeps, balanced sleeps after a while, efficient soon"},
      w.mode);
  v.number(Key{"ring",
               "packets in each ring over which workers hand packets to their owner; rounded up to a power "
               "of two"},
           w.ring, 64u, 65536u);
}

template <class V>
void fields(V& v, Memory& m) {
  v.value(Key{"hugepages",
              "auto takes them when there are enough; on refuses to start without; off never takes them"},
          m.hugepages);
  v.number(Key{"packets", "packet buffers, of 2 KiB, all workers together"}, m.packets, 1024u, 16777216u);
  v.number(
      Key{"headers", "buffers for what is sent from where it lies, without a copy; all workers together"},
      m.headers, 1024u, 16777216u);
  v.number(Key{"large", "buffers of 64 KiB in which long datagrams are put together of their fragments"},
           m.large, 1u, 65536u);
  v.number(Key{"chunks", "chunks of 2 KiB for what services write; per worker"}, m.chunks, 64u, 4194304u);
  v.number(Key{"links", "pieces of stream data that wait for services or peers; per worker"}, m.links, 1024u,
           16777216u);
  v.number(Key{"megabytes",
               "MiB taken from the system at start; 0: as much as the rest of the configuration needs"},
           m.megabytes, 0u, 1048576u);
}

template <class V>
void fields(V& v, Advertise& a) {
  v.number(Key{"enabled", "send router advertisements (RFC 4861 6.2)"}, a.enabled, false, true);
  v.number(Key{"lifetime", "how long hosts use us as their default router; 0s: they do not"}, a.lifetime, 0_s,
           9000_s);
  v.number(Key{"interval", "longest time between two advertisements"}, a.interval, 4_s, 1800_s);
  v.list(Key{"prefixes", "networks on this link, of which hosts make their addresses when 64 bits long"},
         a.prefixes, Count{0, 16});
  v.number(Key{"valid", "how long hosts keep such an address"}, a.valid, 1_s, 86'400'000_s);
  v.number(Key{"preferred", "how long they begin new connections with it; at most valid"}, a.preferred, 1_s,
           86'400'000_s);
  v.list(Key{"rdnss", "recursive DNS servers for the hosts (RFC 8106)"}, a.rdnss, Count{0, 16});
  v.number(Key{"mtu", "the link's MTU, when hosts should be told; 0: not said"}, a.mtu, 0u, 65535u);
  v.number(Key{"managed", "addresses are to be had by DHCPv6"}, a.managed, false, true);
  v.number(Key{"other", "other settings are to be had by DHCPv6"}, a.other, false, true);
}

template <class V>
void fields(V& v, Neighbour& n) {
  v.value(Key{"address", "the neighbour's address, on a network of the port or link-local", true}, n.address);
  v.value(Key{"mac", "its MAC address", true}, n.mac);
}

template <class V>
void fields(V& v, Port& p) {
  v.text(Key{"name", "what routes and metrics call the port", true}, p.name, port_name);
  v.device(Key{"device",
               "where the packets come from: one kind and what it names, and args; not for a port with a "
               "parent"},
           p.device);
  v.text(Key{"parent", "the port whose frames with the tags below are this port's (802.1Q)"}, p.parent,
         port_name);
  v.number(Key{"vlan", "with a parent: the VLAN, the inner one of two"}, p.vlan, uint16_t{0}, uint16_t{4094});
  v.number(
      Key{"outer_vlan", "with a parent: the outer VLAN where frames have two tags (QinQ); 0: they have one"},
      p.outer_vlan, uint16_t{0}, uint16_t{4094});
  v.value(Key{"outer_tag", "the outer tag's type: 802.1ad (0x88a8) or 802.1q (0x8100)"}, p.outer_tag);
  v.text(
      Key{"vrf",
          "the VRF of the port: a table of routes and addresses of its own, which may overlap with others'; "
          "nothing passes between two. A port with a parent does not share its parent's"},
      p.vrf, vrf_name);
  v.list(Key{"addresses", "our addresses on this port, each with the length of its network's prefix"},
         p.addresses, Count{0, 64});
  v.sections(
      Key{"neighbours", "neighbours that are not asked for: ARP and Neighbour Discovery cannot change them"},
      p.neighbours, Count{0, 1024});
  v.value(Key{"mac", "our MAC address, when it should not be the device's own"}, p.mac);
  v.number(Key{"mtu", "octets of the largest IP packet; not set, with a parent: the parent's"}, p.mtu,
           uint16_t{68}, uint16_t{9000});
  v.number(Key{"queues", "queue pairs; 0: one per worker, or as many as the device has"}, p.queues,
           uint16_t{0}, uint16_t{128});
  v.number(Key{"rx_descriptors", "packets a receive queue holds"}, p.rx_descriptors, uint16_t{64},
           uint16_t{32768});
  v.number(Key{"tx_descriptors", "packets a transmit queue holds"}, p.tx_descriptors, uint16_t{64},
           uint16_t{32768});
  v.number(Key{"promiscuous", "take frames for other MAC addresses too"}, p.promiscuous, false, true);
  v.number(Key{"slaac", "make addresses and routes of IPv6 router advertisements (RFC 4862)"}, p.slaac, false,
           true);
  v.section(Key{"advertise", "be the router of this port's IPv6 hosts"}, p.advertise);
  v.value(Key{"reverse_path",
              "drop packets whose source has no route (loose), or none by this port (strict); RFC 3704"},
          p.reverse_path);
  v.value(
      Key{"mss_clamp",
          "lower the maximum segment size in TCP SYNs that pass through this port, in or out: mtu to what "
          "the MTUs of both ports on the way hold (40 octets less, 60 for IPv6), a number to that much for "
          "either family (RFC 9293 3.7.1)"},
      p.mss_clamp);
  v.section(Key{"impair", "a bad line to rehearse on, both directions alike"}, p.impair);
}

template <class V>
void fields(V& v, Route& r) {
  v.value(Key{"to", "the destinations, as a prefix; 0.0.0.0/0 or ::/0: all that nothing else matches", true},
          r.to);
  v.text(Key{"vrf", "the VRF in which it is a route; its gateways and ports are of the same"}, r.vrf,
         vrf_name);
  v.value(Key{"kind",
              "forward, or how to refuse: blackhole silently, unreachable and prohibit with an ICMP error"},
          r.kind);
  v.value(Key{"via", "the gateway, on a network of ours"}, r.via);
  v.text(Key{"port", "the port to send from; without via: destinations are on its link"}, r.port, port_name);
  v.list(Key{"more", "gateways as good as via: flows are spread over all of them, and stay when one is lost"},
         r.more, Count{0, 63});
  v.value(Key{"source", "the address of ours that our own packets on this route carry"}, r.source);
  v.value(Key{"congestion",
              "congestion control of TCP connections that take the route; not set: as the service says"},
          r.congestion);
  v.number(
      Key{"mss",
          "largest segment of our TCP connections on the route, offered and sent, in bytes of text without "
          "options, at least tcp.least_mss; 0: what the MTU allows"},
      r.mss, uint16_t{0}, uint16_t{9140});
}

template <class V>
void fields(V& v, Zone& z) {
  v.text(Key{"name", "the zone's origin", true}, z.name, domain_name);
  v.text(Key{"file", "its master file (RFC 1035 §5)", true}, z.file, file_path);
}

template <class V>
void fields(V& v, DnsService& s) {
  v.list(Key{"listen", "where to answer", true}, s.listen, Count{1, 64});
  v.text(Key{"vrf", "whose addresses these are: the VRF of some port"}, s.vrf, vrf_name);
  v.sections(Key{"zones", "what to answer for", true}, s.zones, Count{1, 65536});
  fields(v, s.options);
}

template <class V>
void fields(V& v, Site& s) {
  v.texts(Key{"names", "host names the site answers to", true}, s.names, host_name, Count{1, 1024});
  v.text(Key{"root", "the folder whose files it serves", true}, s.root, file_path);
}

template <class V>
void fields(V& v, HttpService& s) {
  v.list(Key{"listen", "where to answer", true}, s.listen, Count{1, 64});
  v.text(Key{"vrf", "whose addresses these are: the VRF of some port"}, s.vrf, vrf_name);
  v.sections(Key{"sites", "what to serve; the first site also answers for names no site has", true}, s.sites,
             Count{1, 4096});
  v.value(Key{"congestion", "congestion control of its connections; not set: as tcp.congestion says"},
          s.congestion);
  v.section(Key{"tcp", "how long its connections bear a silent peer; what is not set is as tcp has it"},
            s.limits);
  fields(v, s.options);
}

template <class V>
void fields(V& v, InetdService& s) {
  v.list(Key{"listen", "where to answer, over UDP and TCP", true}, s.listen, Count{1, 64});
  v.text(Key{"vrf", "whose addresses these are: the VRF of some port"}, s.vrf, vrf_name);
  v.value(Key{"congestion", "congestion control of its connections; not set: as tcp.congestion says"},
          s.congestion);
  v.section(Key{"tcp", "how long its connections bear a silent peer; what is not set is as tcp has it"},
            s.limits);
  fields(v, s.options);
}

template <class V>
void fields(V& v, Metrics& m) {
  v.value(Key{"listen", "address and port, of the kernel's, where Prometheus may scrape; not set: nowhere"},
          m.listen);
}

template <class V>
void fields(V& v, Config& c) {
  v.section(Key{"workers", "the threads that carry packets"}, c.workers);
  v.section(Key{"memory", "what is taken at start; there is no more later"}, c.memory);
  v.sections(Key{"ports", "the network ports", true}, c.ports, Count{1, 256});
  v.sections(Key{"routes", "static routes; the networks of our addresses need none"}, c.routes,
             Count{0, 65536});
  v.texts(Key{"route_files",
              "text files of more routes, all of the default VRF, one a line: 'PREFIX via GATEWAY [via "
              "GATEWAY ...] [src ADDRESS]', "
              "'PREFIX dev "
              "PORT', 'blackhole PREFIX', unreachable or prohibit; # starts a comment"},
          c.route_files, file_path, Count{0, 64});
#define ROOM(name, type, help) v.section(Key{#name, help}, c.name);
#include "config/rooms.def"
#undef ROOM
  v.sections(Key{"dns", "DNS services over UDP"}, c.dns, Count{0, 64});
  v.sections(Key{"http", "HTTP services over TCP"}, c.http, Count{0, 64});
  v.sections(Key{"echo", "services that send back what they get (RFC 862), over UDP and TCP"}, c.echo,
             Count{0, 64});
  v.sections(Key{"discard", "services that throw away what they get (RFC 863), over UDP and TCP"}, c.discard,
             Count{0, 64});
  v.section(Key{"metrics", "figures for Prometheus"}, c.metrics);
}

}  // namespace sluice::config
