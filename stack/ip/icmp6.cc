// SPDX-License-Identifier: Apache-2.0
// ICMPv6: RFC 4443. Errors and echo replies leave in the packet that caused them.
#include <algorithm>

#include "ip/ip6.h"

namespace sluice::ip {

using buf::Packet;
using Header = wire::Ip6;
using wire::Icmp6;
using wire::Icmp6Type;
using wire::Icmp6Unreachable;

namespace {

constexpr Counter fine = Counter::icmp_error_in;  // no message dies of it

}  // namespace

void Ip6::refuse(buf::Batch& in, Refusal refusal, Instant now, buf::Egresses& out) {
  const auto unreachable = [](Icmp6Unreachable code, Counter event) {
    return Error{Icmp6Type::Unreachable, static_cast<uint8_t>(code), 0, false, event};
  };
  Error e = unreachable(Icmp6Unreachable::Port, Counter::icmp_unreachable_port);
  if (refusal == Refusal::Host) e = unreachable(Icmp6Unreachable::Address, Counter::icmp_unreachable_host);
  if (refusal == Refusal::Net) e = unreachable(Icmp6Unreachable::NoRoute, Counter::icmp_unreachable_net);
  if (refusal == Refusal::Prohibited) e = unreachable(Icmp6Unreachable::Prohibited, Counter::icmp_prohibited);
  if (refusal == Refusal::ReassemblyTime)
    e = {Icmp6Type::TimeExceeded, 1, 0, false, Counter::icmp_reassembly_time};
  for (Packet& p : in) refuse(std::move(p), e, now, out);
  in.clear();
}

void Ip6::refuse(buf::Egresses& failed, Instant now, buf::Egresses& out) {
  for (buf::Egress& f : failed) {
    if (f.packet.ingress() >= ports_.size()) continue;  // our own: it just dies
    refuse(std::move(f.packet),
           Error{Icmp6Type::Unreachable, static_cast<uint8_t>(Icmp6Unreachable::Address), 0, false,
                 Counter::icmp_unreachable_host},
           now, out);
  }
  failed.clear();
}

void Ip6::tell(StaticVec<Problem6, buf::burst_size>& in, Instant now, buf::Egresses& out) {
  for (Problem6& x : in)
    refuse(std::move(x.packet),
           Error{Icmp6Type::ParameterProblem, x.code, x.pointer, x.of_group, Counter::icmp_parameter_problem},
           now, out);
  in.clear();
}

// RFC 4443 §2.4 (e).
bool Ip6::may_refuse(const Packet& p, const Header& ip, const Error& e) const {
  const Ip6Addr src = ip.src();
  if (src.is_unspecified() || src.is_multicast()) return false;
  const bool to_group = ip.dst().is_multicast() || (p.l2_len() != 0 && (p.data()[0] & 1) != 0);
  if (to_group && !e.of_group) return false;
  if (ip.next_header() == static_cast<uint8_t>(wire::Ip6Next::Fragment)) return true;
  // An error or redirect answers none; behind extension headers it is looked for as far as the limits go.
  wire::Ip6Chain chain;
  if (wire::walk_extensions(p.l3(), limits_, chain)) return true;
  if (chain.proto != static_cast<uint8_t>(IpProto::Icmp6) || chain.upper_at >= ip.total_length()) return true;
  const uint8_t type = ip.whole()[chain.upper_at];
  return !Icmp6::is_error(type) && type != static_cast<uint8_t>(Icmp6Type::Redirect);
}

void Ip6::refuse(Packet&& packet, const Error& e, Instant now, buf::Egresses& out) {
  Packet p{std::move(packet)};
  const Header ip = *Header::parse(p.l3());
  if (!may_refuse(p, ip, e)) return count_.add(Counter::icmp_error_forbidden);
  // As for IPv4: one token on average, so that nobody counts what others were sent.
  if (!errors_.take_owing(now, rng_.below(3))) return count_.add(Counter::icmp_error_limited);
  const uint16_t port = p.ingress();
  const Ip6Addr to = ip.src().zoned(port);
  // §2.2: an address of ours speaks for itself, else the one that the way back has.
  const Ip6Addr dst = ip.dst().zoned(port);
  const Ip6Addr from = !ip.dst().is_multicast() && addresses_.ours(dst) ? dst : Ip6Addr{};

  p.drop_front(static_cast<uint16_t>(p.l2_len()));
  // §2.4 (c): as much of the packet as fits the least MTU.
  constexpr size_t headers = Header::header_len + Icmp6::header_len;
  p.truncate(static_cast<uint32_t>(std::min<size_t>(ip.total_length(), Header::min_mtu - headers)));
  if (p.prepend(Icmp6::header_len) == nullptr) return count_.add(Counter::ip_no_headroom);
  Icmp6::emit_error(p.bytes(), e.type, e.code, e.word);
  p.headers(0, 0, 0);
  buf::Transmit t{std::move(p),
                  from.is_unspecified() ? IpAddr{} : IpAddr{from},
                  to,
                  IpProto::Icmp6,
                  0,
                  static_cast<uint8_t>(options_.ttl),
                  0};
  const Counter sent = output_one(t, now, out);
  count_.add(sent == Counter::ip_sent || sent == Counter::ip_no_headroom ? sent
                                                                         : Counter::icmp_error_no_return);
  if (sent == Counter::ip_sent) count_.add(e.event);
}

void Ip6::icmp(buf::Batch& in, Instant now, buf::Egresses& out, IcmpErrors& errors) {
  buf::for_each_ahead(in, [&](Packet& p) { icmp_one(std::move(p), now, out, errors); });
  in.clear();
}

void Ip6::icmp_one(Packet&& packet, Instant now, buf::Egresses& out, IcmpErrors& errors) {
  Packet p{std::move(packet)};
  const Header ip = *Header::parse(p.l3());
  const auto message = *Icmp6::parse_unchecked(p.l4());  // input() saw to the checksum
  const uint16_t port = p.ingress();
  if (message.type() == Icmp6Type::Echo) {
    count_.add(Counter::icmp_echo);
    const Ip6Addr dst = ip.dst().zoned(port), to = ip.src().zoned(port);
    if (ip.src().is_unspecified()) return count_.add(Counter::icmp6_unhandled);
    const auto tos = ip.traffic_class();
    p.drop_front(static_cast<uint16_t>(p.l2_len() + p.l3_len()));
    Icmp6::echo_to_reply(p.bytes());
    p.headers(0, 0, 0);
    // §4.2: a request to a group is answered from an address of ours.
    buf::Transmit t{std::move(p), dst.is_multicast() ? IpAddr{} : IpAddr{dst}, to, IpProto::Icmp6,
                    tos,          static_cast<uint8_t>(options_.ttl),          0};
    return count_.add(output_one(t, now, out));
  }
  if (message.type() == Icmp6Type::EchoReply) return count_.add(Counter::icmp_echo_reply);
  if (!Icmp6::is_error(static_cast<uint8_t>(message.type()))) return count_.add(Counter::icmp6_unhandled);
  IcmpError error;
  const Counter why = read_error(message, port, error);
  count_.add(why);
  if (why == fine) errors.push(error);
}

// What an error says, if it is about a packet that we may have sent; told in IPv4's words, which transports
// know.
Counter Ip6::read_error(const Icmp6& message, uint16_t port, IcmpError& out) const {
  const auto quoted = Header::parse_header(message.body());
  if (!quoted) return Counter::icmp_bad_quote;
  const Ip6Addr src = quoted->src().zoned(port), dst = quoted->dst().zoned(port);
  if (!addresses_.ours(src)) return Counter::icmp_bad_quote;
  const auto proto =
      static_cast<IpProto>(quoted->next_header());  // we send no extension headers in front of these
  const Bytes l4 = message.body().subspan(Header::header_len);
  if (l4.size() < 8) return Counter::icmp_bad_quote;
  out.tuple.local = src;
  out.tuple.remote = dst;
  out.tuple.proto = proto;
  out.tuple.vrf = vrf_;
  if (proto == IpProto::Tcp || proto == IpProto::Udp) {
    out.tuple.local_port = Port::load(l4.data());
    out.tuple.remote_port = Port::load(l4.data() + 2);
  }
  if (proto == IpProto::Tcp) out.sequence = load_be<uint32_t>(l4.data() + 4);
  using wire::Icmp4Type;
  using wire::Icmp4Unreachable;
  out.type = Icmp4Type::Unreachable;
  const auto as = [&](Icmp4Unreachable code) { out.code = static_cast<uint8_t>(code); };
  switch (message.type()) {
    case Icmp6Type::PacketTooBig:
      as(Icmp4Unreachable::FragmentationNeeded);
      out.mtu = static_cast<uint16_t>(std::min<uint32_t>(message.mtu(), UINT16_MAX));
      break;
    case Icmp6Type::TimeExceeded:
      out.type = Icmp4Type::TimeExceeded;
      out.code = message.code();
      break;
    case Icmp6Type::ParameterProblem:
      as(Icmp4Unreachable::Protocol);
      if (message.code() != static_cast<uint8_t>(wire::Icmp6Problem::NextHeader))
        out.type = Icmp4Type::ParameterProblem;
      break;
    default:
      switch (static_cast<Icmp6Unreachable>(message.code())) {
        case Icmp6Unreachable::Port:
          as(Icmp4Unreachable::Port);
          break;
        case Icmp6Unreachable::Address:
          as(Icmp4Unreachable::Host);
          break;
        case Icmp6Unreachable::NoRoute:
          as(Icmp4Unreachable::Net);
          break;
        default:
          as(Icmp4Unreachable::Prohibited);
          break;
      }
  }
  return fine;
}

}  // namespace sluice::ip
