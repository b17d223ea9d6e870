// SPDX-License-Identifier: Apache-2.0
#include "stack.h"

#include <algorithm>

namespace sluice {

Stack::Stack(const StackPlan& plan, std::span<buf::NetPort* const> ports, serve::DnsService dns,
             std::unique_ptr<serve::Services> services, buf::PacketPool& pool, buf::LinkPool& links,
             Counters& count, Rng& rng, const tcp::Keys& keys)
    : ports_{ports.begin(), ports.end()},
      out_{ports.size(),
           [](void* self, uint16_t port, buf::Batch& frames) {
             auto& stack = *static_cast<Stack*>(self);
             stack.sent_ += frames.size();
             stack.ports_[port]->tx(frames);
           },
           this},
      link_{plan.link, plan.interfaces, plan.keeps_neighbours, pool, count, rng},
      ip_{plan.ip, plan.interfaces, plan.routes, count, rng},
      udp_{plan.udp, count},
      paths_{ip_},
      tcp_{plan.tcp, pool, links, count, rng, keys, paths_},
      dns_{std::move(dns)},
      services_{std::move(services)},
      count_{count} {
  for (const Listen& l : plan.dns)
    check(udp_.listen(l.addr, l.port, l.service), "the configuration's listeners fit");
  for (const Listen& l : plan.http) tcp_.listen(l.addr, l.port, l.service, l.congestion);
}

size_t Stack::poll(Instant now) {
  size_t received = 0;
  sent_ = 0;
  for (uint16_t port = 0; port < ports_.size(); ++port) {
    buf::Batch frames;
    ports_[port]->rx(frames);
    received += frames.size();
    if (!frames.empty()) input(port, frames, now);
  }
  if (link_.deadline() <= now) link_.expire(now, out_);
  tcp_.expire(now);
  streams(now);
  segments(now);
  undeliverable(now);
  out_.flush();  // whatever this turn made leaves with it: no batching delay
  return received + sent_;
}

// The journey of a burst.
void Stack::input(uint16_t port, buf::Batch& frames, Instant now) {
  link::In framed;
  link_.input(port, frames, framed);
  if (!framed.arp.empty()) link_.arp(framed.arp, now, out_);

  ip::In packets;
  buf::Egresses out;
  ip_.input(framed.ip4, packets);
  if (!packets.transit.empty()) {
    ip_.forward(packets.transit, now, out);
    send(out, now);
  }
  if (!packets.icmp.empty()) icmp(packets.icmp, now);
  if (!packets.unknown_protocol.empty()) {
    ip_.refuse(packets.unknown_protocol, ip::Refusal::Protocol, now, out);
    send(out, now);
  }
  if (!packets.udp.empty()) datagrams(packets.udp, now);
  if (!packets.tcp.empty()) tcp_.input(packets.tcp, now);
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
void Stack::icmp(buf::Batch& in, Instant now) {
  buf::Egresses out;
  ip::IcmpErrors errors;
  ip_.icmp(in, now, out, errors);
  send(out, now);
  for (const ip::IcmpError& e : errors)
    if (e.tuple.proto == IpProto::Tcp)
      tcp_.on_icmp({.tuple = e.tuple, .sequence = {e.sequence}, .kind = kind_of(e), .mtu = e.mtu}, now);
}

void Stack::datagrams(buf::Batch& in, Instant now) {
  udp::Datagrams queries;
  buf::Batch no_port;
  buf::Transmits answers;
  udp_.input(in, queries, no_port);
  for (size_t first = 0; first < queries.size();) {
    // A run of queries to one service is a burst.
    const uint16_t service = queries[first].service;
    StaticVec<dns::Exchange, buf::burst_size> run;
    for (size_t i = first; i < queries.size() && queries[i].service == service; ++i)
      run.push(dns::Exchange{.buffer = queries[i].room(), .len = queries[i].payload.size()});
    dns_.answer(service, {run.data(), run.size()}, count_);
    for (const dns::Exchange& x : run) {
      udp::Datagram& query = queries[first++];
      if (x.answered) udp_.reply(std::move(query), x.len, answers);
    }
  }
  send(answers, now);
  if (no_port.empty()) return;
  buf::Egresses out;
  ip_.refuse(no_port, ip::Refusal::Port, now, out);
  send(out, now);
}

void Stack::streams(Instant now) {
  buf::StreamId due[buf::burst_size];
  for (size_t n = std::size(due); n == std::size(due);) {
    n = services_->expire(now, due);
    for (size_t i = 0; i < n; ++i) tcp_.wake(due[i]);
  }
  tcp_.for_each_ready(now, [&](buf::Stream& stream) { services_->on_stream(stream, now); });
}

void Stack::segments(Instant now) {
  for (bool more = true; more;) {
    buf::Transmits batch;
    more = tcp_.output(now, batch);
    send(batch, now);
  }
}

void Stack::send(buf::Transmits& packets, Instant now) {
  if (packets.empty()) return;
  buf::Egresses out;
  ip_.output(packets, now, out);
  send(out, now);
}

void Stack::send(buf::Egresses& packets, Instant now) {
  if (packets.empty()) return;
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
    ip_.refuse(failed, now, errors);
    link_.output(errors, now, out_);
  }
}

tcp::Path Stack::Paths::path_to(const IpAddr& remote) {
  const auto path = ip_.path(remote);
  if (!path) return {};  // no way for now: segments will die counted until there is one
  tcp::Path way{
      .mtu = path->mtu, .tcp_segmentation = path->tcp_segmentation, .multi_segment = path->multi_segment};
  if (path->transport != 0) way.congestion = static_cast<tcp::Algorithm>(path->transport - 1);
  return way;
}

void Stack::shut_down(Instant now) {
  for (bool more = true; more;) {
    more = tcp_.abort_some();
    segments(now);
    out_.flush();
  }
}

Instant Stack::deadline() const {
  return std::min({link_.deadline(), tcp_.deadline(), services_->deadline()});
}

}  // namespace sluice
