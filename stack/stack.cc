// SPDX-License-Identifier: Apache-2.0
#include "stack.h"

#include <algorithm>
#include <optional>

#include "tcp/route_hints.h"

namespace sluice {
namespace {

const link::NdOptions default_nd{};

// Of a packet whose l2_len is set, or that starts at its IP header.
bool is_v4(const buf::Packet& p) { return p.data()[p.l2_len()] >> 4 == 4; }

// Numbers of the UDP services that are not DNS.
constexpr uint16_t udp_echo = UINT16_MAX, udp_discard = UINT16_MAX - 1;

// Calls f(VRF, those of it) for each VRF of which there are some; mostly all are of one. Leaves `all` empty.
template <class Items, class Of, class F>
void each_vrf(Items& all, Of&& vrf_of, F&& f) {
  while (!all.empty()) {
    const uint16_t vrf = vrf_of(all[0]);
    Items same, others;
    for (auto& item : all) (vrf_of(item) == vrf ? same : others).push(std::move(item));
    all = std::move(others);
    f(vrf, same);
  }
}

}  // namespace

Stack::Stack(const StackPlan& plan, std::span<buf::NetPort* const> ports, serve::DnsService dns,
             std::unique_ptr<serve::Services> services, buf::PacketPool& pool, buf::LinkPool& links,
             Counters& count, Rng& rng, const tcp::Keys& keys)
    : ip_options_{plan.ip},
      rng_{rng},
      ports_{ports.begin(), ports.end()},
      out_{ports.size(),
           [](void* self, uint16_t port, buf::Batch& frames) {
             auto& stack = *static_cast<Stack*>(self);
             const StageMeter::In stage{stack.meter_, Stage::Tx, frames.size()};
             stack.sent_ += frames.size();
             stack.ports_[port]->tx(frames);
           },
           this},
      link_{plan.link,
            plan.interfaces,
            plan.keeps_neighbours,
            pool,
            count,
            rng,
            {plan.nd != nullptr ? *plan.nd : default_nd, plan.advertise, plan.ip.forward}},
      fragments_{plan.ip, pool, count, rng,
                 ip::Onward{[](void* self, buf::Egresses& out, Instant now) {
                              static_cast<Stack*>(self)->send(out, now);
                            },
                            this}},
      udp_{plan.udp, count},
      paths_{*this},
      tcp_{plan.tcp, pool, links, count, rng, keys, paths_},
      dns_{std::move(dns)},
      services_{std::move(services)},
      count_{count},
      meter_{plan.meter} {
  const auto listen = [this](std::span<const Listen> all, std::optional<uint16_t> service) {
    for (const Listen& l : all)
      check(udp_.listen(l.addr, l.port, service.value_or(l.service), l.vrf),
            "the configuration's listeners fit");
  };
  add_vrf(plan.routes, plan.interfaces);
  for (const auto& routes : plan.vrfs) add_vrf(routes, plan.interfaces);
  belong(plan.interfaces);
  listen(plan.dns, {});
  listen(plan.echo, udp_echo);
  listen(plan.discard, udp_discard);
  for (const Listen& l : plan.streams) tcp_.listen(l.addr, l.port, l.service, l.congestion, l.limits, l.vrf);
}

void Stack::add_vrf(std::shared_ptr<const ip::Routes> routes, std::span<const buf::Interface> ports) {
  const auto number = static_cast<uint16_t>(vrfs_.size());
  const auto own = buf::of_vrf(ports, number);
  vrfs_.push_back(
      std::unique_ptr<Vrf>{new Vrf{number,
                                   {ip_options_, own, routes, fragments_, count_, rng_, number},
                                   {ip_options_, own, routes, fragments_, count_, rng_, number}}});
}

void Stack::belong(std::span<const buf::Interface> ports) {
  vrf_of_.clear();
  for (const buf::Interface& i : ports) {
    check(i.vrf < vrfs_.size(), "a port is in a VRF that there is");
    vrf_of_.push_back(i.vrf);
  }
}

void Stack::change(const StackChange& c, Instant now) {
  c.wiring.plug();
  ports_ = c.wiring.ports;
  out_.ports(ports_.size());
  link_.change(c.interfaces, c.advertise, now, out_);
  out_.flush();  // first words on ports that come, last ones on those that go
  c.wiring.let_go();
  for (const auto& vrf : vrfs_) {
    const auto own = buf::of_vrf(c.interfaces, vrf->number);
    vrf->ip.change(own);
    vrf->ip6.change(own);
  }
  while (vrfs_.size() <= c.vrfs.size()) add_vrf(c.vrfs[vrfs_.size() - 1], c.interfaces);
  belong(c.interfaces);
  tcp_.paths_changed();
  dns_ = c.dns;
  follow_addresses();
  undeliverable(now);  // packets that waited for neighbours that are none any more
  out_.flush();
}

size_t Stack::poll(Instant now) {
  size_t received = 0;
  sent_ = 0;
  for (uint16_t port = 0; port < ports_.size(); ++port) {
    buf::Batch frames;
    rx(port, frames);
    received += frames.size();
    if (!frames.empty()) input(port, frames, now);
  }
  expire(now);
  streams(now);
  segments(now);
  undeliverable(now);
  out_.flush();  // whatever this turn made leaves with it: no batching delay
  return received + sent_;
}

void Stack::rx(uint16_t port, buf::Batch& frames) {
  StageMeter::In stage{meter_, Stage::EmptyPoll};
  ports_[port]->rx(frames);
  if (!frames.empty()) stage.rather(Stage::Rx, frames.size());
}

void Stack::expire(Instant now) {
  const StageMeter::In stage{meter_, Stage::Timers};
  if (link_.deadline() <= now) {
    link_.expire(now, out_);
    follow_addresses();
  }
  tcp_.expire(now);
  if (fragments_.deadline() > now) return;
  fragments_.following.expire(now);
  for (bool more = true; more;) {
    buf::Batch first;
    more = fragments_.reassembly.expire(now, first);
    refuse(first, ip::Refusal::ReassemblyTime, now);
  }
}

// The journey of a burst.
void Stack::input(uint16_t port, buf::Batch& frames, Instant now) {
  link::In framed;
  {
    const StageMeter::In stage{meter_, Stage::Link, frames.size()};
    link_.input(port, frames, framed);
    if (!framed.arp.empty()) link_.arp(framed.arp, now, out_);
  }

  Vrf& vrf = vrf_of_port(port);
  ip::In packets;
  buf::Egresses out;
  {
    const StageMeter::In stage{meter_, Stage::Ip, framed.ip4.size()};
    vrf.ip.input(framed.ip4, packets);
  }
  if (!packets.fragments.empty()) reassemble(vrf, packets, now);
  if (!packets.transit.empty()) {
    const StageMeter::In stage{meter_, Stage::Forward, packets.transit.size()};
    vrf.ip.forward(packets.transit, now, out);
    send(out, now);
  }
  if (!packets.passing.empty()) {
    vrf.ip.follow(packets.passing, now);
    forward_followed(vrf, now);
  }
  if (!packets.icmp.empty()) icmp(vrf, packets.icmp, now);
  if (!packets.unknown_protocol.empty()) {
    const StageMeter::In stage{meter_, Stage::Icmp, packets.unknown_protocol.size()};
    vrf.ip.refuse(packets.unknown_protocol, ip::Refusal::Protocol, now, out);
    send(out, now);
  }
  if (!framed.ip6.empty()) input6(vrf, framed.ip6, packets, now);
  if (!packets.udp.empty()) datagrams(vrf, packets.udp, now);
  if (packets.tcp.empty()) return;
  const StageMeter::In stage{meter_, Stage::TcpIn, packets.tcp.size()};
  tcp_.input(packets.tcp, now, vrf.number);
}

// IPv6's own part of the journey; datagrams and segments go with IPv4's.
void Stack::input6(Vrf& vrf, buf::Batch& frames, ip::In& transports, Instant now) {
  ip::In6 packets;
  buf::Egresses out;
  {
    const StageMeter::In stage{meter_, Stage::Ip, frames.size()};
    vrf.ip6.input(frames, transports, packets);
  }
  if (!packets.nd.empty()) {
    const StageMeter::In stage{meter_, Stage::Link, packets.nd.size()};
    link_.nd(packets.nd, now, out_);
    follow_addresses();
  }
  if (!packets.fragments.empty()) reassemble6(vrf, packets, transports, now);
  if (!packets.transit.empty()) {
    const StageMeter::In stage{meter_, Stage::Forward, packets.transit.size()};
    vrf.ip6.forward(packets.transit, now, out);
    send(out, now);
  }
  if (!packets.passing.empty()) {
    vrf.ip6.follow(packets.passing, now);
    forward_followed(vrf, now);
  }
  if (!packets.icmp.empty()) {
    const StageMeter::In stage{meter_, Stage::Icmp, packets.icmp.size()};
    ip::IcmpErrors errors;
    vrf.ip6.icmp(packets.icmp, now, out, errors);
    send(out, now);
    tell_tcp(errors, now);
  }
  if (packets.problems.empty()) return;
  const StageMeter::In stage{meter_, Stage::Icmp, packets.problems.size()};
  vrf.ip6.tell(packets.problems, now, out);
  send(out, now);
}

// Fragments reach the worker of their addresses; the datagram's flow may be another's.
void Stack::reassemble(Vrf& vrf, ip::In& packets, Instant now) {
  const StageMeter::In stage{meter_, Stage::Ip, packets.fragments.size()};
  buf::Batch whole;
  vrf.ip.reassemble(packets.fragments, now, whole);
  pass_on(whole);
  vrf.ip.deliver(whole, packets);
}

void Stack::reassemble6(Vrf& vrf, ip::In6& packets, ip::In& transports, Instant now) {
  const StageMeter::In stage{meter_, Stage::Ip, packets.fragments.size()};
  buf::Batch whole;
  vrf.ip6.reassemble(packets.fragments, now, whole, packets);
  pass_on(whole);
  vrf.ip6.deliver(whole, transports, packets);
}

// Leaves what is ours. Large ones are: few transports get so long a datagram, and those keep no state of
// flows.
void Stack::pass_on(buf::Batch& packets) {
  buf::Batch ours;
  for (buf::Packet& p : packets)
    if (p.large() || !ports_[p.ingress()]->pass_on(p)) ours.push(std::move(p));
  packets = std::move(ours);
}

// Fragments in transit that know their flow by now: all of the VRF whose fragments have just come.
void Stack::forward_followed(Vrf& vrf, Instant now) {
  for (buf::Batch known; fragments_.following.take(known); known.clear()) {
    const StageMeter::In stage{meter_, Stage::Forward, known.size()};
    pass_on(known);
    buf::Batch four, six;
    for (buf::Packet& p : known) (is_v4(p) ? four : six).push(std::move(p));
    buf::Egresses out;
    vrf.ip.forward(four, now, out);
    send(out, now);
    vrf.ip6.forward(six, now, out);
    send(out, now);
  }
}

// What link found out of our addresses is what ip answers to.
void Stack::follow_addresses() {
  using Kind = link::AddressChange::Kind;
  link::AddressChanges changes;
  link_.take_changes(changes);
  for (const link::AddressChange& c : changes) {
    ip::Addresses6& a = vrf_of_port(c.port).ip6.addresses();
    const ip::Addresses6::Own own{c.addr, c.port, c.length};
    const ip::Addresses6::Learned learned{c.addr, c.port, c.length};
    switch (c.kind) {
      case Kind::Use:
        a.use(own);
        break;
      case Kind::Drop:
        a.drop(own);
        break;
      case Kind::OnLink:
        a.learn(a.networks, learned);
        break;
      case Kind::NotOnLink:
        a.forget(a.networks, learned);
        break;
      case Kind::Router:
        a.learn(a.routers, learned);
        break;
      case Kind::NoRouter:
        a.forget(a.routers, learned);
        break;
    }
  }
}

void Stack::refuse(Vrf& vrf, buf::Batch& packets, ip::Refusal why, Instant now) {
  buf::Batch four, six;
  for (buf::Packet& p : packets) (is_v4(p) ? four : six).push(std::move(p));
  packets.clear();
  buf::Egresses out;
  vrf.ip.refuse(four, why, now, out);
  vrf.ip6.refuse(six, why, now, out);
  send(out, now);
}

// Each in the VRF that it came by.
void Stack::refuse(buf::Batch& packets, ip::Refusal why, Instant now) {
  each_vrf(
      packets, [this](const buf::Packet& p) { return vrf_of_[p.ingress()]; },
      [&](uint16_t vrf, buf::Batch& same) { refuse(*vrfs_[vrf], same, why, now); });
}

namespace {

// RFC 1122 §3.2.2.1, §4.2.3.9, RFC 1191 §4.
tcp::IcmpNews::Kind kind_of(const ip::IcmpError& e) {
  using Kind = tcp::IcmpNews::Kind;
  using Code = wire::Icmp4Unreachable;
  if (e.type != wire::Icmp4Type::Unreachable) return Kind::Soft;
  if (e.code == static_cast<uint8_t>(Code::FragmentationNeeded)) return Kind::TooBig;
  const bool hard =
      e.code == static_cast<uint8_t>(Code::Protocol) || e.code == static_cast<uint8_t>(Code::Port);
  return hard ? Kind::Hard : Kind::Soft;
}

}  // namespace

// Errors about our own packets: TCP judges its own; nothing we run keeps state for UDP.
void Stack::icmp(Vrf& vrf, buf::Batch& in, Instant now) {
  const StageMeter::In stage{meter_, Stage::Icmp, in.size()};
  buf::Egresses out;
  ip::IcmpErrors errors;
  vrf.ip.icmp(in, now, out, errors);
  send(out, now);
  tell_tcp(errors, now);
}

void Stack::tell_tcp(const ip::IcmpErrors& errors, Instant now) {
  for (const ip::IcmpError& e : errors)
    if (e.tuple.proto == IpProto::Tcp)
      tcp_.on_icmp({.tuple = e.tuple, .sequence = {e.sequence}, .kind = kind_of(e), .mtu = e.mtu}, now);
}

void Stack::datagrams(Vrf& vrf, buf::Batch& in, Instant now) {
  const StageMeter::In stage{meter_, Stage::Udp, in.size()};
  udp::Datagrams arrived;
  buf::Batch no_port;
  buf::Transmits answers;
  udp_.input(in, arrived, no_port, vrf.number);
  for (size_t first = 0; first < arrived.size();) {
    // A run of datagrams to one service is a burst.
    const uint16_t service = arrived[first].service;
    size_t end = first + 1;
    while (end < arrived.size() && arrived[end].service == service) ++end;
    const std::span run{&arrived[first], end - first};
    if (service == udp_echo)
      answer_inetd(serve::InetdKind::Echo, run, answers);
    else if (service == udp_discard)
      answer_inetd(serve::InetdKind::Discard, run, answers);
    else
      answer_dns(run, answers);
    first = end;
  }
  send(answers, now);
  if (no_port.empty()) return;
  const StageMeter::In errors{meter_, Stage::Icmp, no_port.size()};
  refuse(vrf, no_port, ip::Refusal::Port, now);
}

void Stack::answer_dns(std::span<udp::Datagram> queries, buf::Transmits& answers) {
  StaticVec<dns::Exchange, buf::burst_size> burst;
  for (const udp::Datagram& q : queries)
    burst.push(dns::Exchange{.buffer = q.room(), .len = q.payload.size()});
  {
    const StageMeter::In answering{meter_, Stage::Dns, burst.size()};
    dns_.answer(queries[0].service, {burst.data(), burst.size()}, count_);
  }
  for (size_t i = 0; i < queries.size(); ++i)
    if (burst[i].answered) udp_.reply(std::move(queries[i]), burst[i].len, answers);
}

void Stack::answer_inetd(serve::InetdKind kind, std::span<udp::Datagram> in, buf::Transmits& answers) {
  for (udp::Datagram& d : in) {
    const size_t octets = d.payload.size();
    if (serve::Inetd::answers(kind, d.tuple, octets, count_)) udp_.reply(std::move(d), octets, answers);
  }
}

void Stack::streams(Instant now) {
  StageMeter::In stage{meter_, Stage::Services};
  if (services_->deadline() <= now) {
    buf::StreamId due[buf::burst_size];
    for (size_t n = std::size(due); n == std::size(due);) {
      n = services_->expire(now, due);
      for (size_t i = 0; i < n; ++i) tcp_.wake(due[i]);
    }
  }
  size_t served = 0;
  tcp_.for_each_ready(now, [&](buf::Stream& stream) {
    services_->on_stream(stream, now);
    ++served;
  });
  stage.more(served);
}

void Stack::segments(Instant now) {
  for (bool more = true; more;) {
    buf::Transmits batch;
    {
      StageMeter::In stage{meter_, Stage::TcpOut};
      more = tcp_.output(now, batch);
      stage.more(batch.size());
    }
    send(batch, now);
  }
}

void Stack::send(buf::Transmits& packets, Instant now) {
  if (packets.empty()) return;
  if (vrfs_.size() == 1) [[likely]]
    return send(*vrfs_[0], packets, now);
  each_vrf(
      packets, [](const buf::Transmit& t) { return t.vrf; },
      [&](uint16_t vrf, buf::Transmits& same) { send(*vrfs_[vrf], same, now); });
}

void Stack::send(Vrf& vrf, buf::Transmits& packets, Instant now) {
  buf::Egresses out;
  {
    const StageMeter::In stage{meter_, Stage::IpOut, packets.size()};
    buf::Transmits six;
    for (buf::Transmit& t : packets)
      if (!t.dst.is_v4()) six.push(std::move(t));
    if (!six.empty()) {
      // What is left behind has no packet; IPv4's half must not see it.
      buf::Transmits four;
      for (buf::Transmit& t : packets)
        if (t.packet) four.push(std::move(t));
      packets = std::move(four);
      vrf.ip6.output(six, now, out);
    }
    vrf.ip.output(packets, now, out);
  }
  send(out, now);
}

void Stack::send(buf::Egresses& packets, Instant now) {
  if (packets.empty()) return;
  const StageMeter::In stage{meter_, Stage::LinkOut, packets.size()};
  link_.output(packets, now, out_);
}

// Packets whose next hop does not answer, whoever found that out in this turn, go back as ICMP errors. An
// error may take the place of another neighbour in a full table, whose packets then go back too; an error
// that is itself undeliverable just dies, so this ends.
void Stack::undeliverable(Instant now) {
  for (;;) {
    buf::Egresses failed, errors;
    link_.take_failed(failed);
    if (failed.empty()) return;
    // A packet leaves by a port of the VRF that it came by.
    each_vrf(
        failed, [this](const buf::Egress& e) { return vrf_of_[e.port]; },
        [&](uint16_t vrf, buf::Egresses& same) {
          buf::Egresses four, six;
          for (buf::Egress& e : same) (is_v4(e.packet) ? four : six).push(std::move(e));
          vrfs_[vrf]->ip.refuse(four, now, errors);
          vrfs_[vrf]->ip6.refuse(six, now, errors);
        });
    link_.output(errors, now, out_);
  }
}

tcp::Path Stack::Paths::path_to(const IpAddr& remote, uint16_t vrf) {
  const Vrf& own = *stack_.vrfs_[vrf];
  const auto path = remote.is_v4() ? own.ip.path(remote) : own.ip6.path(remote.v6());
  if (!path) return {};  // no way for now: segments will die counted until there is one
  tcp::Path way{
      .mtu = path->mtu, .tcp_segmentation = path->tcp_segmentation, .multi_segment = path->multi_segment};
  const auto hints = tcp::RouteHints::of(path->transport);
  way.congestion = hints.congestion;
  const auto headers = static_cast<uint16_t>((remote.is_v4() ? 20 : 40) + wire::Tcp::header_len);
  if (hints.mss != 0) way.mtu = std::min(way.mtu, static_cast<uint16_t>(hints.mss + headers));
  return way;
}

void Stack::shut_down(Instant now) {
  for (bool more = true; more;) {
    more = tcp_.abort_some(now);
    segments(now);
    out_.flush();
  }
  link_.farewell(now, out_);
  out_.flush();
}

Instant Stack::deadline() const {
  return std::min({link_.deadline(), tcp_.deadline(), services_->deadline(), fragments_.deadline()});
}

}  // namespace sluice
