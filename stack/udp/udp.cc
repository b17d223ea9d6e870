// SPDX-License-Identifier: Apache-2.0
#include "udp/udp.h"

#include "wire/checksum.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

namespace sluice::udp {

using buf::Packet;

namespace {
constexpr Counter fine = Counter::udp_in;  // no datagram dies of it
constexpr size_t header_len = wire::Udp::header_len;
}  // namespace

Udp::Udp(const Options& options, Counters& count) : options_{options}, count_{count}, by_port_(65536) {
  listeners_.reserve(options.listeners);
}

bool Udp::listen(const IpAddr& local, Port port, uint16_t service, uint16_t vrf) {
  if (port.v == 0 || listeners_.size() == options_.listeners) return false;
  for (uint16_t i = by_port_[port.v]; i != 0; i = listeners_[i - 1u].next)
    if (listeners_[i - 1u].local == local && listeners_[i - 1u].vrf == vrf) return false;
  listeners_.push_back({local, port, service, by_port_[port.v], vrf});
  by_port_[port.v] = static_cast<uint16_t>(listeners_.size());
  return true;
}

// The listener at exactly this address, else the one at any.
const Udp::Listener* Udp::find(const Tuple& t) const {
  const Listener* any = nullptr;
  for (uint16_t i = by_port_[t.local_port.v]; i != 0; i = listeners_[i - 1u].next) {
    const Listener& l = listeners_[i - 1u];
    if (l.vrf != t.vrf) continue;
    if (l.local == t.local) return &l;
    if (l.local.is_none()) any = &l;
  }
  return any;
}

void Udp::input(buf::Batch& in, Datagrams& out, buf::Batch& no_port, uint16_t vrf) {
  buf::for_each_ahead(in, [&](Packet& p) {
    // Written where it stays: a copy would read the addresses before their stores are through.
    Datagram& d = out.push();
    const Counter why = verdict(p, vrf, d);
    count_.add(why);  // udp_in, or the reason
    if (why == fine) {
      d.packet = std::move(p);
      return;
    }
    out.pop();
    if (why == Counter::udp_no_port) no_port.push(std::move(p));
  });
  in.clear();
}

Counter Udp::verdict(Packet& p, uint16_t vrf, Datagram& out) const {
  const MutBytes l4 = p.l4();
  const auto udp = wire::Udp::parse(l4);
  if (!udp) return udp.why();
  if (udp->dst().v == 0) return Counter::udp_port_zero;
  out.tuple = {{}, {}, udp->src(), udp->dst(), IpProto::Udp, vrf};
  if (const auto ip = wire::Ip4::parse_header(p.l3())) {
    out.tuple.remote = ip->src();
    out.tuple.local = ip->dst();
  } else if (const auto ip6 = wire::Ip6::parse_header(p.l3())) {
    out.tuple.remote = ip6->src().zoned(p.ingress());
    out.tuple.local = ip6->dst().zoned(p.ingress());
    if (udp->checksum() == 0) return Counter::udp_no_checksum;  // RFC 8200 §8.1: not optional
  } else {
    return ip.why();
  }
  const auto by_device = p.rx_l4_checksum();
  if (by_device == buf::RxChecksum::Bad) return Counter::udp_checksum;
  if (by_device == buf::RxChecksum::Unknown && udp->checksum() != 0) {  // RFC 768: 0 says "none"
    const auto length = static_cast<uint32_t>(udp->whole().size());
    auto sum =
        wire::pseudo_header(out.tuple.remote, out.tuple.local, static_cast<uint8_t>(IpProto::Udp), length);
    if (sum.add(udp->whole()).folded() != 0xffff) return Counter::udp_checksum;
  }
  const Listener* l = find(out.tuple);
  if (l == nullptr) return Counter::udp_no_port;
  out.service = l->service;
  p.truncate(static_cast<uint32_t>(p.l2_len() + p.l3_len() + udp->whole().size()));
  out.payload = l4.subspan(header_len, udp->payload().size());
  return fine;
}

bool Udp::reply(Datagram&& datagram, size_t length, buf::Transmits& out) {
  const size_t room = datagram.room().size(), asked = datagram.payload.size();
  Packet p{std::move(datagram.packet)};
  if (length > room) {
    count_.add(Counter::udp_reply_too_long);
    return false;
  }
  if (length > asked)
    p.append(static_cast<uint16_t>(length - asked));
  else
    p.truncate(static_cast<uint32_t>(p.size() - (asked - length)));
  p.drop_front(static_cast<uint16_t>(p.l2_len() + p.l3_len() + header_len));
  return send(std::move(p), datagram.tuple, out);
}

bool Udp::send(Packet&& payload, const Tuple& tuple, buf::Transmits& out) {
  Packet p{std::move(payload)};
  const size_t length = header_len + p.size();
  uint8_t* header = length > 65535 - wire::Ip4::min_header_len ? nullptr : p.prepend(header_len);
  if (header == nullptr) {
    count_.add(Counter::udp_reply_too_long);
    return false;
  }
  wire::Udp::emit(header, tuple.local_port, tuple.remote_port, static_cast<uint16_t>(length));
  p.reset_offloads();
  p.headers(0, 0, header_len);
  count_.add(Counter::udp_out);
  out.push(buf::Transmit{.packet = std::move(p),
                         .src = tuple.local,
                         .dst = tuple.remote,
                         .proto = IpProto::Udp,
                         .vrf = tuple.vrf});
  return true;
}

}  // namespace sluice::udp
