// SPDX-License-Identifier: Apache-2.0
// Paths of HTTP: clients that speak just enough TCP (RFC 9293, timestamps and window scaling of RFC 7323) to
// be served over a line that loses nothing.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "perf/micro/frames.h"
#include "perf/micro/paths.h"

namespace sluice::perf {

struct Peer {
  Port port;
  SeqNum snd, rcv;
  uint32_t echo = 0;   // the stack's timestamp
  uint32_t got = 0;    // octets of the response
  SeqNum acked;        // what the stack was told last
  bool open = false;   // SYN is acknowledged
  bool ended = false;  // the stack's FIN is here
};

class HttpPath : public Path {
 protected:
  HttpPath(const PathPlan& p, buf::PacketPool& pool);

  void send(Peer& peer, uint8_t flags, std::string_view text = {}) { send(peer, flags, text, peer.rcv); }
  void send(Peer&, uint8_t flags, std::string_view text, SeqNum ack);
  void dial(Peer&);  // from a new port
  // Hands every segment that was sent to its peer's books; calls f(Peer&, octets) for each with text.
  template <class F>
  void hear(F&& f) {
    auto& sent = worker_->port(0).sent();
    for (const buf::Packet& p : sent) hear_one(p, f);
    sent.clear();
  }
  void open_all();
  // One whole response of `path`, heard by the first peer; its octets.
  uint32_t length_of(std::string_view request);

  PathPlan plan_;
  std::vector<Peer> peers_;

 private:
  template <class F>
  void hear_one(const buf::Packet& p, F&& f) {
    constexpr size_t at = wire::Ethernet::header_len + wire::Ip4::min_header_len;
    const auto h = wire::Tcp::parse(p.bytes().subspan(at));
    check(static_cast<bool>(h) && !(h->flags() & wire::tcp_flag::rst), "the stack resets nobody");
    Peer& peer = peers_[by_port_[h->dst().v]];
    check(peer.port == h->dst(), "a segment is for a peer that is there");
    const auto options = *wire::TcpOptions::parse(h->options());
    if (options.timestamps) peer.echo = options.timestamps->val;
    if (h->flags() & wire::tcp_flag::syn) {
      peer.rcv = h->seq() + 1;
      peer.open = true;
      return;
    }
    const auto text = static_cast<uint32_t>(p.size() - at - h->length());
    check(h->seq() == peer.rcv || text == 0, "the stack sends nothing twice");
    peer.rcv = peer.rcv + text;
    if (h->flags() & wire::tcp_flag::fin) peer.rcv = peer.rcv + 1, peer.ended = true;
    if (text == 0) return;
    // Text lies behind the header, or in a packet chained to it.
    const rte_mbuf* chained = p.raw()->next;
    f(peer, text,
      !h->text().empty() ? h->text() : Bytes{rte_pktmbuf_mtod(chained, const uint8_t*), chained->data_len});
  }

  std::array<uint32_t, 65536> by_port_{};
  uint16_t next_port_ = 1024;
};

// A request on each of a few connections, again and again.
class KeepAlive final : public HttpPath {
 public:
  KeepAlive(const PathPlan&, buf::PacketPool&);
  void before() override;
  size_t after() override;

 private:
  size_t next_ = 0;
  uint32_t length_ = 0;
};

// Connect, request, response and the server's end, the client's end: three turns of an item's life, each turn
// holding a third of them.
class ConnectClose final : public HttpPath {
 public:
  ConnectClose(const PathPlan&, buf::PacketPool&);
  void before() override;
  size_t after() override;

 private:
  enum class Phase : uint8_t { Dial, Ask, Leave };
  std::vector<Phase> phases_;
  uint32_t length_ = 0;
};

// Downloads without end: an acknowledgement for every second segment, as a client sends them.
class Bulk final : public HttpPath {
 public:
  Bulk(const PathPlan&, buf::PacketPool&);
  void before() override;
  size_t after() override;

 private:
  uint32_t length_ = 0;
};

}  // namespace sluice::perf
