// SPDX-License-Identifier: Apache-2.0
#include "ip/seal.h"

#include "buf/sum.h"
#include "wire/checksum.h"
#include "wire/icmp6.h"
#include "wire/udp.h"

namespace sluice::ip {

using buf::Packet;

namespace {

// Where the checksum lies in the transport header; 0: it is not ours to make.
size_t checksum_at(IpProto proto) {
  switch (proto) {
    case IpProto::Tcp:
      return 16;  // RFC 9293 §3.1
    case IpProto::Udp:
      return wire::Udp::checksum_at;
    case IpProto::Icmp6:
      return wire::Icmp6::checksum_at;
    default:
      return 0;
  }
}

}  // namespace

void seal_transport(buf::Transmit& t, const buf::PortCaps& caps, bool segmentation) {
  Packet& p = t.packet;
  const size_t at = checksum_at(t.proto);
  if (at == 0) return;
  uint8_t* field = p.data() + at;
  const auto pseudo =
      wire::pseudo_header(t.src, t.dst, static_cast<uint8_t>(t.proto), segmentation ? 0 : p.size());
  const bool worth = caps.tx_l4_checksum && p.size() >= caps.sums_from;
  if ((worth || segmentation) && t.proto != IpProto::Icmp6) {
    const bool v4 = t.dst.is_v4();
    store_be<uint16_t>(field, pseudo.folded());
    if (segmentation)
      p.offload_tcp_segmentation(t.segment_size, v4);
    else
      t.proto == IpProto::Tcp ? p.offload_tcp_checksum(v4) : p.offload_udp_checksum(v4);
    return;
  }
  uint16_t checksum = buf::sum_of(p, pseudo).checksum();
  if (checksum == 0 && t.proto == IpProto::Udp) checksum = 0xffff;  // RFC 768: 0 says "none"
  store_be<uint16_t>(field, checksum);
}

}  // namespace sluice::ip
