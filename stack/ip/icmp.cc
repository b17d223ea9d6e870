// SPDX-License-Identifier: Apache-2.0
// ICMP: RFC 792, 1122 §3.2.2, 1812 §4.3. Errors and echo replies leave in the packet that caused them.
#include <algorithm>

#include "ip/ip.h"

namespace sluice::ip {

using buf::Packet;
using wire::Icmp4;
using wire::Icmp4Type;
using wire::Icmp4Unreachable;
using wire::Ip4;

namespace {

constexpr Counter fine = Counter::icmp_error_in;  // no message dies of it
constexpr size_t error_size = 576;  // RFC 1812 §4.3.2.3: the whole error, its IP header included

struct Wording {
  Icmp4Type type;
  uint8_t code;
  Counter event;
};
constexpr Wording wording(Refusal r) {
  const auto unreachable = [](Icmp4Unreachable code, Counter event) {
    return Wording{Icmp4Type::Unreachable, static_cast<uint8_t>(code), event};
  };
  switch (r) {
    case Refusal::Net:
      return unreachable(Icmp4Unreachable::Net, Counter::icmp_unreachable_net);
    case Refusal::Host:
      return unreachable(Icmp4Unreachable::Host, Counter::icmp_unreachable_host);
    case Refusal::Protocol:
      return unreachable(Icmp4Unreachable::Protocol, Counter::icmp_unreachable_protocol);
    case Refusal::Port:
      return unreachable(Icmp4Unreachable::Port, Counter::icmp_unreachable_port);
    case Refusal::TooBig:
      return unreachable(Icmp4Unreachable::FragmentationNeeded, Counter::icmp_fragmentation_needed);
    case Refusal::Prohibited:
      return unreachable(Icmp4Unreachable::Prohibited, Counter::icmp_prohibited);
    case Refusal::ReassemblyTime:
      return {Icmp4Type::TimeExceeded, 1, Counter::icmp_reassembly_time};
    case Refusal::TimeExceeded:
      break;
  }
  return {Icmp4Type::TimeExceeded, 0, Counter::icmp_time_exceeded};
}

}  // namespace

void Ip::refuse(buf::Batch& in, Refusal refusal, Instant now, buf::Egresses& out) {
  if (refusal == Refusal::Protocol) count_.add(Counter::ip_protocol, in.size());
  for (Packet& p : in) refuse(std::move(p), refusal, 0, now, out);
  in.clear();
}

void Ip::refuse(buf::Egresses& failed, Instant now, buf::Egresses& out) {
  for (buf::Egress& e : failed) {
    const bool received = e.packet.ingress() < ports_.size();
    if (received) refuse(std::move(e.packet), Refusal::Host, 0, now, out);
  }
  failed.clear();
}

// RFC 1812 §4.3.2.7, RFC 1122 §3.2.2. Senders that are nobody were dropped by input().
bool Ip::may_refuse(const Packet& p, const Ip4& ip) const {
  if (p.l2_len() != 0 && (p.data()[0] & 1) != 0) return false;
  if (addresses_.owner(ip.dst()) == Owner::Broadcast || ip.dst().is_multicast()) return false;
  if (ip.fragment_offset() != 0) return false;
  if (static_cast<IpProto>(ip.proto()) != IpProto::Icmp) return true;
  return !ip.payload().empty() && !Icmp4::is_error(ip.payload()[0]);
}

void Ip::refuse(Packet&& packet, Refusal refusal, uint16_t mtu, Instant now, buf::Egresses& out) {
  Packet p{std::move(packet)};
  const Ip4 ip = *Ip4::parse(p.l3());
  if (!may_refuse(p, ip)) return count_.add(Counter::icmp_error_forbidden);
  // Costs one token on average; the chance in it keeps a peer from learning, by counting its own errors, how
  // many others were sent.
  if (!errors_.take_owing(now, rng_.below(3))) return count_.add(Counter::icmp_error_limited);
  Counter why{};
  const NextHop* hop = way_to(ip.src(), why);
  if (hop == nullptr) return count_.add(Counter::icmp_error_no_return);
  const IpAddr next = hop->gateway.is_none() ? IpAddr{ip.src()} : hop->gateway;
  // A destination of ours speaks for itself; a router speaks with the address of the way back (RFC 1812
  // §4.3.2.4).
  const Ip4Addr to = ip.src(), from = addresses_.ours(ip.dst()) ? ip.dst() : source_for(*hop, next.v4());
  if (from.is_unspecified()) return count_.add(Counter::icmp_error_no_return);
  // RFC 1812 §4.3.2.5: precedence 6, internetwork control.
  constexpr uint8_t tos = 0xc0;

  p.drop_front(static_cast<uint16_t>(p.l2_len()));
  constexpr size_t headers = Ip4::min_header_len + Icmp4::header_len;
  const size_t quoted = std::min<size_t>(ip.total_length(), error_size - headers);
  p.truncate(static_cast<uint32_t>(quoted));
  if (p.prepend(Icmp4::header_len) == nullptr) return count_.add(Counter::ip_no_headroom);
  const Wording w = wording(refusal);
  Icmp4::emit_error(p.bytes(), w.type, w.code, mtu);
  p.headers(0, 0, 0);
  buf::Transmit t{std::move(p), from, to, IpProto::Icmp, tos, static_cast<uint8_t>(options_.ttl), 0};
  const Counter sent = output_one(t, now, out);
  count_.add(sent);
  if (sent == Counter::ip_sent) count_.add(w.event);
}

void Ip::icmp(buf::Batch& in, Instant now, buf::Egresses& out, IcmpErrors& errors) {
  buf::for_each_ahead(in, [&](Packet& p) { icmp_one(std::move(p), now, out, errors); });
  in.clear();
}

void Ip::icmp_one(Packet&& packet, Instant now, buf::Egresses& out, IcmpErrors& errors) {
  Packet p{std::move(packet)};
  const Ip4 ip = *Ip4::parse(p.l3());
  const auto message = Icmp4::parse(ip.payload());
  if (!message) return count_.add(message.why());
  const auto type = static_cast<uint8_t>(message->type());
  if (message->type() == Icmp4Type::Echo) return echo(std::move(p), ip, now, out);
  if (message->type() == Icmp4Type::EchoReply) return count_.add(Counter::icmp_echo_reply);
  // Redirects are for hosts (RFC 1812 §5.2.7.2), source quench is no more (RFC 6633).
  if (!Icmp4::is_error(type) || message->type() == Icmp4Type::Redirect ||
      message->type() == Icmp4Type::SourceQuench)
    return count_.add(Counter::icmp_unhandled);
  IcmpError error;
  const Counter why = read_error(*message, error);
  count_.add(why);
  if (why == fine) errors.push(error);
}

void Ip::echo(Packet&& p, const Ip4& ip, Instant now, buf::Egresses& out) {
  if (!addresses_.ours(ip.dst())) return count_.add(Counter::icmp_broadcast);  // RFC 1122 §3.2.2.6
  count_.add(Counter::icmp_echo);
  const Ip4Addr from = ip.dst(), to = ip.src();
  const uint8_t tos = ip.tos();
  Packet reply{std::move(p)};
  reply.drop_front(static_cast<uint16_t>(reply.l2_len() + reply.l3_len()));
  Icmp4::echo_to_reply(reply.bytes());
  reply.headers(0, 0, 0);
  buf::Transmit t{std::move(reply), from, to, IpProto::Icmp, tos, static_cast<uint8_t>(options_.ttl), 0};
  count_.add(output_one(t, now, out));
}

// What an error says, if it is about a datagram that we may have sent.
Counter Ip::read_error(const Icmp4& message, IcmpError& out) const {
  const auto quoted = Ip4::parse_header(message.body());
  if (!quoted || !addresses_.ours(quoted->src()) || quoted->fragment_offset() != 0)
    return Counter::icmp_bad_quote;
  const auto proto = static_cast<IpProto>(quoted->proto());
  const Bytes l4 = message.body().subspan(quoted->header_len());
  if (l4.size() < 8) return Counter::icmp_bad_quote;
  out.tuple.local = quoted->src();
  out.tuple.remote = quoted->dst();
  out.tuple.proto = proto;
  out.tuple.vrf = vrf_;
  if (proto == IpProto::Tcp || proto == IpProto::Udp) {
    out.tuple.local_port = Port::load(l4.data());
    out.tuple.remote_port = Port::load(l4.data() + 2);
  }
  if (proto == IpProto::Tcp) out.sequence = load_be<uint32_t>(l4.data() + 4);
  out.type = message.type();
  out.code = message.code();
  if (out.type == Icmp4Type::Unreachable &&
      out.code == static_cast<uint8_t>(Icmp4Unreachable::FragmentationNeeded))
    out.mtu = message.mtu();
  return fine;
}

}  // namespace sluice::ip
