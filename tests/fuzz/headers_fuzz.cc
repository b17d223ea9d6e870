// SPDX-License-Identifier: Apache-2.0
// Any octets as each header of layers 2 to 4: what parse() lets through can be read without fault, and what
// is read holds together.
#include <algorithm>

#include "base/check.h"
#include "wire/arp.h"
#include "wire/ethernet.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/udp.h"

using namespace sluice;

namespace {

void transport(uint8_t proto, Bytes b) {
  if (proto == 1) {
    const auto icmp = wire::Icmp4::parse(b);
    if (!icmp) return;
    check(icmp->body().size() + wire::Icmp4::header_len == b.size(), "an ICMP message is header and body");
    (void)icmp->mtu();
    (void)wire::Ip4::parse_header(icmp->body());
  } else if (const auto udp = wire::Udp::parse(b)) {
    check(udp->whole().size() <= b.size(), "a UDP datagram lies within its IP datagram");
    check(udp->payload().size() + wire::Udp::header_len == udp->whole().size(), "header and payload");
  }
}

void network(Bytes b) {
  const auto ip = wire::Ip4::parse(b);
  if (!ip) return;
  check(ip->header_len() + ip->payload().size() == ip->total_length(), "a datagram is header and payload");
  check(ip->total_length() <= b.size(), "a datagram lies within its frame");
  (void)ip->good_checksum();
  (void)wire::Ip4Options::parse(ip->options());
  transport(ip->proto(), ip->payload());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes b{data, size};
  const auto eth = wire::Ethernet::parse(b);
  if (!eth) return 0;
  const Bytes rest = b.subspan(wire::Ethernet::header_len);
  if (const auto arp = wire::Arp::parse(rest)) {
    uint8_t again[wire::Arp::len];
    wire::Arp::emit(again, arp->value());
    check(std::equal(again, again + sizeof again, rest.begin()), "an ARP packet is written as it was read");
  }
  network(rest);
  return 0;
}
