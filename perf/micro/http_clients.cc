// SPDX-License-Identifier: Apache-2.0
#include "perf/micro/http_clients.h"

namespace sluice::perf {

using namespace wire::tcp_flag;

namespace {
constexpr std::string_view get_1k = "GET /1k HTTP/1.1\r\nHost: www.bench.test\r\n\r\n";
constexpr std::string_view get_1k_close =
    "GET /1k HTTP/1.1\r\nHost: www.bench.test\r\nConnection: close\r\n\r\n";
constexpr std::string_view get_10m = "GET /10m HTTP/1.1\r\nHost: www.bench.test\r\n\r\n";
constexpr uint32_t mss = 1448;  // of text, beside timestamps
constexpr uint32_t body_1k = 1024, body_10m = 10u << 20;
}  // namespace

HttpPath::HttpPath(const PathPlan& p, buf::PacketPool& pool) : plan_{p} {
  worker_ = std::make_unique<BenchWorker>(WorkerPlan{.burst = 64, .device_sums = p.device_sums}, pool);
}

void HttpPath::send(Peer& peer, uint8_t flags, std::string_view text, SeqNum acknowledged) {
  wire::TcpOptions options;
  // A clock of its own; RFC 7323 asks for no relation to ours.
  options.timestamps = {static_cast<uint32_t>(worker_->now().ns / 1'000'000), peer.echo};
  if (flags & syn) {
    options.mss = 1460;
    options.shift = WindowShift{7};
  }
  const RawWindow window{static_cast<uint16_t>(65'535)};
  worker_->give(0, tcp_frame(worker_->pool(), client, us,
                             {.src = peer.port,
                              .dst = {80},
                              .seq = peer.snd,
                              .ack = acknowledged,
                              .flags = flags,
                              .window = window},
                             options, text));
  peer.snd = peer.snd + static_cast<uint32_t>(text.size()) + ((flags & (syn | fin)) != 0 ? 1 : 0);
  peer.acked = acknowledged;
}

void HttpPath::dial(Peer& peer) {
  if (next_port_ < 1024) next_port_ = 1024;
  const uint32_t index = static_cast<uint32_t>(&peer - peers_.data());
  peer = {.port = {next_port_++}, .snd = {static_cast<uint32_t>(worker_->now().ns)}};
  by_port_[peer.port.v] = index;
  send(peer, syn);
}

void HttpPath::open_all() {
  for (Peer& peer : peers_) {
    dial(peer);
    worker_->stack().poll(worker_->now());
    hear([](Peer&, uint32_t, Bytes) {});
    check(peer.open, "the stack answers a SYN");
    send(peer, ack);
    worker_->stack().poll(worker_->now());
  }
}

KeepAlive::KeepAlive(const PathPlan& p, buf::PacketPool& pool) : HttpPath{p, pool} {
  peers_.resize(std::max(p.connections, p.burst));
  open_all();
}

void KeepAlive::before() {
  for (size_t i = 0; i < plan_.burst; ++i, next_ = (next_ + 1) % peers_.size()) {
    peers_[next_].got = 0;
    send(peers_[next_], ack | psh, get_1k);
  }
}

size_t KeepAlive::after() {
  size_t done = 0;
  hear([&](Peer& peer, uint32_t text, Bytes octets) {
    if (peer.got == 0) check(as_text(octets).starts_with("HTTP/1.1 200"), "the response is the page");
    peer.got += text;
    if (length_ == 0) length_ = peer.got;  // one segment: head and page
    check(peer.got == length_ && peer.got > body_1k, "a response is whole");
    ++done;
  });
  check(done == plan_.burst, "every request is answered");
  return done;
}

ConnectClose::ConnectClose(const PathPlan& p, buf::PacketPool& pool) : HttpPath{p, pool} {
  peers_.resize(p.burst / 3 * 3 == 0 ? 3 : p.burst / 3 * 3);
  for (size_t i = 0; i < peers_.size(); ++i) phases_.push_back(Phase::Dial);
}

void ConnectClose::before() {
  for (size_t i = 0; i < peers_.size(); ++i) {
    Peer& peer = peers_[i];
    switch (phases_[i]) {
      case Phase::Dial:
        dial(peer);
        break;
      case Phase::Ask:
        send(peer, ack);
        send(peer, ack | psh, get_1k_close);
        break;
      case Phase::Leave:
        send(peer, ack | fin);
        break;
    }
  }
}

size_t ConnectClose::after() {
  hear([&](Peer& peer, uint32_t text, Bytes octets) {
    if (peer.got == 0) check(as_text(octets).starts_with("HTTP/1.1 200"), "the response is the page");
    peer.got += text;
  });
  size_t done = 0;
  for (size_t i = 0; i < peers_.size(); ++i) {
    switch (phases_[i]) {
      case Phase::Dial:
        check(peers_[i].open, "the stack answers a SYN");
        phases_[i] = Phase::Ask;
        break;
      case Phase::Ask:
        if (length_ == 0) length_ = peers_[i].got;
        check(peers_[i].got == length_ && length_ > body_1k && peers_[i].ended,
              "a response is whole and ends");
        phases_[i] = Phase::Leave;
        break;
      case Phase::Leave:
        phases_[i] = Phase::Dial;
        ++done;
        break;
    }
  }
  return done;
}

Bulk::Bulk(const PathPlan& p, buf::PacketPool& pool) : HttpPath{p, pool} {
  peers_.resize(std::max<size_t>(std::min<size_t>(p.connections, 8), 1));
  open_all();
}

void Bulk::before() {
  for (Peer& peer : peers_) {
    if (peer.got == length_) {
      peer.got = 0;
      send(peer, ack | psh, get_10m);
    }
    const SeqNum before = peer.acked;
    while (peer.rcv - peer.acked >= 2 * static_cast<int32_t>(mss)) send(peer, ack, {}, peer.acked + 2 * mss);
    if (before == peer.acked && peer.rcv != peer.acked) send(peer, ack);
  }
}

size_t Bulk::after() {
  size_t segments = 0;
  hear([&](Peer& peer, uint32_t text, Bytes octets) {
    if (peer.got == 0) check(as_text(octets).starts_with("HTTP/1.1 200"), "the response is the file");
    if (length_ == 0) length_ = static_cast<uint32_t>(as_text(octets).find("\r\n\r\n")) + 4 + body_10m;
    peer.got += text;
    ++segments;
  });
  return segments;
}

}  // namespace sluice::perf
