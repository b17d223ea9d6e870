// SPDX-License-Identifier: Apache-2.0
// Makes damaged frames plausible again, so that they get past the first checks: checksums that fit, and TCP
// numbers that lie near those of the connection they belong to.
#pragma once

#include <map>
#include <vector>

#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include "wire/tuple.h"
#include "wire/udp.h"

namespace sluice::test {

class Mender {
 public:
  // Takes note of a frame that the stack sent.
  void saw(Bytes frame) {
    const auto ip = datagram(frame);
    if (!ip || ip->proto() != static_cast<uint8_t>(IpProto::Tcp)) return;
    const auto tcp = wire::Tcp::parse(ip->payload());
    if (!tcp) return;
    const uint32_t counted = (tcp->flags() & (wire::tcp_flag::syn | wire::tcp_flag::fin)) != 0;
    const SeqNum end = tcp->seq() + static_cast<uint32_t>(tcp->text().size()) + counted;
    flows_[tcp->dst().v] = {tcp->ack(), end};
  }
  // The frame's sequence and acknowledgement numbers, if it has an ACK, are offsets to what the stack said
  // last to its source port.
  void follow(std::vector<uint8_t>& frame) const {
    uint8_t* l4 = transport(frame, IpProto::Tcp, wire::Tcp::header_len);
    if (l4 == nullptr || (l4[13] & wire::tcp_flag::ack) == 0) return;
    const auto flow = flows_.find(Port::load(l4).v);
    if (flow == flows_.end()) return;
    (flow->second.seq + load_be<uint32_t>(l4 + 4)).store(l4 + 4);
    (flow->second.ack + load_be<uint32_t>(l4 + 8)).store(l4 + 8);
  }
  // The checksums of IP, ICMP, UDP and TCP fit, as far as the frame's lengths say where they are.
  static void mend(std::vector<uint8_t>& frame) {
    if (!datagram(frame)) return;
    uint8_t* header = frame.data() + wire::Ethernet::header_len;
    const wire::Ip4 ip = *datagram(frame);
    store_be<uint16_t>(header + 10, 0);
    store_be<uint16_t>(header + 10, wire::Sum{}.add(ip.header()).checksum());
    seal(frame, IpProto::Icmp, 8, 2);
    seal(frame, IpProto::Udp, wire::Udp::header_len, wire::Udp::checksum_at);
    seal(frame, IpProto::Tcp, wire::Tcp::header_len, wire::Tcp::checksum_at);
  }

 private:
  struct Flow {
    SeqNum seq, ack;  // what the peer's next segment should carry
  };
  static Result<wire::Ip4> datagram(Bytes frame) {
    const auto eth = wire::Ethernet::parse(frame);
    if (!eth || eth->type() != wire::EtherType::Ip4) return Counter::link_ethertype;
    return wire::Ip4::parse(frame.subspan(wire::Ethernet::header_len));
  }
  // Null when the frame has no such header.
  static uint8_t* transport(std::vector<uint8_t>& frame, IpProto proto, size_t header_len) {
    const auto ip = datagram(frame);
    if (!ip || ip->proto() != static_cast<uint8_t>(proto) || ip->payload().size() < header_len)
      return nullptr;
    return frame.data() + wire::Ethernet::header_len + ip->header_len();
  }
  static void seal(std::vector<uint8_t>& frame, IpProto proto, size_t header_len, size_t checksum_at) {
    uint8_t* l4 = transport(frame, proto, header_len);
    if (l4 == nullptr) return;
    const wire::Ip4 ip = *datagram(frame);
    // UDP's own length says what is summed; when it is wrong no checksum helps.
    size_t length = ip.payload().size();
    if (proto == IpProto::Udp) length = std::min<size_t>(length, load_be<uint16_t>(l4 + 4));
    store_be<uint16_t>(l4 + checksum_at, 0);
    wire::Sum sum;
    if (proto != IpProto::Icmp)
      sum = wire::pseudo_header(ip.src(), ip.dst(), ip.proto(), static_cast<uint32_t>(length));
    store_be<uint16_t>(l4 + checksum_at, sum.add({l4, length}).checksum());
  }

  std::map<uint16_t, Flow> flows_;  // by the peer's port
};

}  // namespace sluice::test
