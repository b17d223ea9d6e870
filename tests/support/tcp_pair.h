// SPDX-License-Identifier: Apache-2.0
// Two TCP rooms back to back through a seeded link that loses, delays, reorders and duplicates, in virtual
// time. Each packet is linearized, given an IPv4 header and a checksum, as a real link would see it.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/eal.h"
#include "tcp/tcp.h"
#include "wire/checksum.h"

namespace sluice::test {

inline const Ip4Addr host_a = Ip4Addr::of(198, 18, 0, 1), host_b = Ip4Addr::of(198, 18, 0, 2);

// The bytes at L4, wrapped as ip delivers them: l2_len 0, l3_len 20.
inline buf::Packet ip4_packet(Ip4Addr src, Ip4Addr dst, std::vector<uint8_t> l4, bool fill_checksum = true) {
  std::vector<uint8_t> b(20);
  b[0] = 0x45;
  store_be<uint16_t>(b.data() + 2, static_cast<uint16_t>(20 + l4.size()));
  b[9] = 6;
  src.store(b.data() + 12);
  dst.store(b.data() + 16);
  b.insert(b.end(), l4.begin(), l4.end());
  if (fill_checksum && l4.size() >= 20) {
    const uint16_t sum = wire::pseudo_header(src, dst, 6, static_cast<uint32_t>(l4.size()))
                             .add(Bytes{b}.subspan(20))
                             .checksum();
    store_be<uint16_t>(b.data() + 20 + wire::Tcp::checksum_at, sum);
  }
  buf::Packet p = packet_of(b);
  p.headers(0, 20, 0);
  return p;
}

struct LinkOptions {
  double loss = 0, reorder = 0, duplicate = 0;
  Duration delay = 10_ms;
  uint64_t seed = 1;
  tcp::Path path{};
};

struct Host final : tcp::Surroundings {
  Host(tcp::Options o, tcp::Path p, uint64_t seed, uint32_t link_count = 8192)
      : path{p}, links{link_count}, rng{seed}, room{o, packet_pool(), links, count, rng, keys(seed), *this} {}
  static tcp::Keys keys(uint64_t s) { return {{s, 1}, {s, 2}, {s, 3}, {s, 4}}; }
  tcp::Path path_to(const IpAddr&, uint16_t) override { return path; }

  tcp::Path path;
  Counters count;
  buf::ChunkPool chunks{512};  // outlives the room, whose queues point into it
  buf::LinkPool links;
  Rng rng;
  tcp::Tcp room;
  // What the service of this host does: writes `to_send`, reads into `got`, closes when all is written and
  // (when told so) all is read.
  struct App {
    std::string to_send, got;
    size_t sent = 0;
    bool close_when_sent = true, wait_for_peer = false;
    bool opened = false, peer_closed = false, closed = false, failed = false;
  };
  std::map<uint64_t, App> apps;
  App pattern;  // what an accepted connection starts as
  size_t most_pushed = 1 << 20, piece = 1500;

  void serve(buf::Stream& s) {
    auto [it, fresh] = apps.try_emplace((uint64_t{s.id.generation} << 32) | s.id.index, pattern);
    App& a = it->second;
    if (s.events & buf::stream_event::opened) a.opened = true;
    if (s.events & buf::stream_event::peer_closed) a.peer_closed = true;
    if (s.events & buf::stream_event::closed) a.closed = true;
    if (s.events & buf::stream_event::failed) a.failed = true;
    while (!s.received.empty()) {
      a.got += as_text(s.received.front());
      s.received.consume(s.received.front().size());
    }
    size_t room_left = std::min(s.send_room, most_pushed);
    while (a.sent < a.to_send.size() && room_left != 0) {
      buf::Chunk* c = chunks.alloc();
      if (c == nullptr) break;
      const auto n = static_cast<uint32_t>(std::min({piece, room_left, a.to_send.size() - a.sent}));
      std::memcpy(c->data, a.to_send.data() + a.sent, n);
      buf::Slice slice{*c, 0, n};
      if (!s.sending.push(std::move(slice))) break;
      a.sent += n;
      room_left -= n;
    }
    s.want_writable = a.sent < a.to_send.size();
    if (a.sent == a.to_send.size() && a.close_when_sent && (!a.wait_for_peer || a.peer_closed))
      s.close = true;
  }
};

class Pair {
 public:
  Pair(const LinkOptions& l, const tcp::Options& oa = {}, const tcp::Options& ob = {})
      : link{l}, a{oa, l.path, l.seed * 2 + 1}, b{ob, l.path, l.seed * 2 + 2}, rng_{l.seed} {}

  LinkOptions link;
  Host a, b;
  Instant now{1'000'000'000};

  // Until nothing is left to do but TIME-WAIT, or `limit` has passed. True: came to rest.
  bool run(Duration limit) {
    const Instant end = now + limit;
    while (now < end) {
      turn(a, host_a, to_b_);
      turn(b, host_b, to_a_);
      const Instant next = std::min({soonest(), a.room.deadline(), b.room.deadline()});
      if (next == Instant::never()) return true;
      now = std::max(now + 10_us, next);
      deliver(a, to_a_);
      deliver(b, to_b_);
    }
    return false;
  }
  size_t in_flight() const { return to_a_.size() + to_b_.size(); }

 private:
  struct Flying {
    Instant at;
    std::vector<uint8_t> bytes;
    Ip4Addr src, dst;
  };
  void turn(Host& h, Ip4Addr, std::multimap<uint64_t, Flying>& out) {
    h.room.expire(now);
    h.room.for_each_ready(now, [&](buf::Stream& s) { h.serve(s); });
    for (bool more = true; more;) {
      buf::Transmits t;
      more = h.room.output(now, t);
      for (buf::Transmit& x : t) send(x, out);
    }
  }
  void send(buf::Transmit& x, std::multimap<uint64_t, Flying>& out) {
    std::vector<uint8_t> all;
    for (const rte_mbuf* m = x.packet.raw(); m != nullptr; m = m->next) {
      const auto* p = rte_pktmbuf_mtod(m, const uint8_t*);
      all.insert(all.end(), p, p + m->data_len);
    }
    check(all.size() == x.packet.size() && x.packet.l4_len() >= 20, "a transmit is whole");
    const size_t header = x.packet.l4_len(), text = all.size() - header;
    const size_t step = x.segment_size != 0 ? x.segment_size : std::max<size_t>(text, 1);
    check(x.segment_size != 0 || all.size() + 20 <= link.path.mtu, "a packet fits the MTU");
    for (size_t at = 0; at == 0 || at < text; at += step) {  // what a device does with TSO
      const size_t n = std::min(step, text - at);
      std::vector<uint8_t> one(all.begin(), all.begin() + static_cast<ptrdiff_t>(header));
      store_be<uint32_t>(one.data() + 4, load_be<uint32_t>(one.data() + 4) + static_cast<uint32_t>(at));
      if (at + n < text) one[13] &= static_cast<uint8_t>(~9);
      one.insert(one.end(), all.begin() + static_cast<ptrdiff_t>(header + at),
                 all.begin() + static_cast<ptrdiff_t>(header + at + n));
      fly(one, x.src.v4(), x.dst.v4(), out);
    }
  }
  void fly(const std::vector<uint8_t>& bytes, Ip4Addr src, Ip4Addr dst,
           std::multimap<uint64_t, Flying>& out) {
    if (rng_.chance(link.loss)) return;
    const int copies = rng_.chance(link.duplicate) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      Instant at = now + link.delay;
      if (rng_.chance(link.reorder)) at = at + Duration::from_us(static_cast<int64_t>(rng_.below(5'000)));
      out.emplace(at.ns, Flying{at, bytes, src, dst});
    }
  }
  Instant soonest() const {
    Instant t = Instant::never();
    if (!to_a_.empty()) t = std::min(t, to_a_.begin()->second.at);
    if (!to_b_.empty()) t = std::min(t, to_b_.begin()->second.at);
    return t;
  }
  void deliver(Host& h, std::multimap<uint64_t, Flying>& in) {
    while (!in.empty() && in.begin()->second.at <= now) {
      buf::Batch batch;
      while (!batch.full() && !in.empty() && in.begin()->second.at <= now) {
        Flying& f = in.begin()->second;
        batch.push(ip4_packet(f.src, f.dst, f.bytes));
        in.erase(in.begin());
      }
      h.room.input(batch, now);
    }
  }
  Rng rng_;
  std::multimap<uint64_t, Flying> to_a_, to_b_;
};

// Bytes that repeat nowhere near, so that a shifted or repeated stretch is noticed.
inline std::string noise(size_t n, uint64_t seed) {
  Rng rng{seed};
  std::string s(n, '\0');
  for (char& c : s) c = static_cast<char>(rng());
  return s;
}

}  // namespace sluice::test
