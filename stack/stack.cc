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
             const StageMeter::In stage{stack.meter_, Stage::Tx, frames.size()};
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
      count_{count},
      meter_{plan.meter} {
  for (const Listen& l : plan.dns)
    check(udp_.listen(l.addr, l.port, l.service), "the configuration's listeners fit");
  for (const Listen& l : plan.http) tcp_.listen(l.addr, l.port, l.service);
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
  if (link_.deadline() <= now) link_.expire(now, out_);
  tcp_.expire(now);
}

// The journey of a burst.
void Stack::input(uint16_t port, buf::Batch& frames, Instant now) {
  link::In framed;
  {
    const StageMeter::In stage{meter_, Stage::Link, frames.size()};
    link_.input(port, frames, framed);
    if (!framed.arp.empty()) link_.arp(framed.arp, now, out_);
  }

  ip::In packets;
  buf::Egresses out;
  {
    const StageMeter::In stage{meter_, Stage::Ip, framed.ip4.size()};
    ip_.input(framed.ip4, packets);
  }
  if (!packets.transit.empty()) {
    const StageMeter::In stage{meter_, Stage::Forward, packets.transit.size()};
    ip_.forward(packets.transit, now, out);
    send(out, now);
  }
  if (!packets.icmp.empty()) {
    // Errors about our own packets end here for now: nothing we run keeps state for UDP, and TCP's answer to
    // them is retransmission (RFC 1122 §4.2.3.9 lets a host treat all of them as soft). ip has counted them.
    const StageMeter::In stage{meter_, Stage::Icmp, packets.icmp.size()};
    ip::IcmpErrors errors;
    ip_.icmp(packets.icmp, now, out, errors);
    send(out, now);
  }
  if (!packets.unknown_protocol.empty()) {
    const StageMeter::In stage{meter_, Stage::Icmp, packets.unknown_protocol.size()};
    ip_.refuse(packets.unknown_protocol, ip::Refusal::Protocol, now, out);
    send(out, now);
  }
  if (!packets.udp.empty()) datagrams(packets.udp, now);
  if (packets.tcp.empty()) return;
  const StageMeter::In stage{meter_, Stage::TcpIn, packets.tcp.size()};
  tcp_.input(packets.tcp, now);
}

void Stack::datagrams(buf::Batch& in, Instant now) {
  const StageMeter::In stage{meter_, Stage::Udp, in.size()};
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
    {
      const StageMeter::In answering{meter_, Stage::Dns, run.size()};
      dns_.answer(service, {run.data(), run.size()}, count_);
    }
    for (const dns::Exchange& x : run) {
      udp::Datagram& query = queries[first++];
      if (x.answered) udp_.reply(std::move(query), x.len, answers);
    }
  }
  send(answers, now);
  if (no_port.empty()) return;
  const StageMeter::In errors{meter_, Stage::Icmp, no_port.size()};
  buf::Egresses out;
  ip_.refuse(no_port, ip::Refusal::Port, now, out);
  send(out, now);
}

void Stack::streams(Instant now) {
  StageMeter::In stage{meter_, Stage::Services};
  buf::StreamId due[buf::burst_size];
  for (size_t n = std::size(due); n == std::size(due);) {
    n = services_->expire(now, due);
    for (size_t i = 0; i < n; ++i) tcp_.wake(due[i]);
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
  buf::Egresses out;
  {
    const StageMeter::In stage{meter_, Stage::IpOut, packets.size()};
    ip_.output(packets, now, out);
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
    ip_.refuse(failed, now, errors);
    link_.output(errors, now, out_);
  }
}

tcp::Path Stack::Paths::path_to(const IpAddr& remote) {
  const auto path = ip_.path(remote);
  if (!path) return {};  // no way for now: segments will die counted until there is one
  return {.mtu = path->mtu, .tcp_segmentation = path->tcp_segmentation, .multi_segment = path->multi_segment};
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
