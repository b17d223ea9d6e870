// SPDX-License-Identifier: Apache-2.0
// A TCP room and a peer whose segments the test makes by hand.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/tcp_pair.h"

namespace sluice::test {

inline tcp::Options small() {
  tcp::Options o;
  o.connections = o.half_open = o.time_waits = 64;
  return o;
}

// A room and a hand-made peer at host_a; ports 1000 (or another) to 80.
class Room : public testing::Test {
 public:
  void start(tcp::Options o = small(), tcp::Path path = {}) {
    host = std::make_unique<Host>(o, path, 5);
    host->room.listen({}, Port{80}, 7);
    host->pattern.close_when_sent = false;
  }
  void SetUp() override {
    packets = packet_pool().packets_free();
    start();
  }
  void TearDown() override {
    host.reset();
    EXPECT_EQ(packet_pool().packets_free(), packets) << "packets come back";
  }

  static std::vector<uint8_t> bytes(const wire::Tcp::Value& v, const std::string& text = {},
                                    const std::vector<uint8_t>& options = {}) {
    std::vector<uint8_t> b(wire::Tcp::header_len + options.size() + text.size());
    wire::Tcp::Value w = v;
    w.options = static_cast<uint8_t>(options.size());
    wire::Tcp::emit(b.data(), w);
    std::copy(options.begin(), options.end(), b.data() + wire::Tcp::header_len);
    std::copy(text.begin(), text.end(), b.data() + wire::Tcp::header_len + options.size());
    return b;
  }
  void gets(buf::Packet p, uint16_t vrf = 0) {
    buf::Batch batch;
    batch.push(std::move(p));
    host->room.input(batch, now, vrf);
    EXPECT_TRUE(batch.empty());
  }
  void gets(wire::Tcp::Value v, const std::string& text = {}, uint16_t vrf = 0) {
    if (v.src.v == 0) v.src = Port{1000};
    if (v.dst.v == 0) v.dst = Port{80};
    v.window = {65535};
    gets(ip4_packet(host_a, host_b, bytes(v, text)), vrf);
  }
  void serve() {
    host->room.for_each_ready(now, [&](buf::Stream& s) { host->serve(s); });
  }
  // What the room sends, parsed; the text rides along.
  struct Sent {
    wire::Tcp::Value head;
    std::string text;
    wire::TcpOptions options{};
  };
  std::vector<Sent> sent() {
    std::vector<Sent> all;
    for (bool more = true; more;) {
      buf::Transmits out;
      more = host->room.output(now, out);
      for (buf::Transmit& t : out) {
        EXPECT_TRUE(t.packet.linearize());
        const auto h = wire::Tcp::parse(t.packet.bytes());
        EXPECT_TRUE(static_cast<bool>(h));
        EXPECT_EQ(t.packet.l4_len(), h->length());
        EXPECT_EQ(t.dst, IpAddr{host_a});
        all.push_back({{h->src(), h->dst(), h->seq(), h->ack(), h->flags(), h->window(), 0},
                       std::string{as_text(h->text())},
                       *wire::TcpOptions::parse(h->options())});
      }
    }
    return all;
  }
  // One segment is sent; its head.
  wire::Tcp::Value one() {
    const auto all = sent();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? wire::Tcp::Value{} : all[0].head;
  }
  // A handshake from `port`; our next sequence number.
  SeqNum establish(uint16_t port = 1000, uint32_t seq = 100) {
    gets({.src = {port}, .seq = {seq}, .flags = wire::tcp_flag::syn});
    const auto answer = one();
    EXPECT_EQ(answer.flags, wire::tcp_flag::syn | wire::tcp_flag::ack);
    gets({.src = {port}, .seq = {seq + 1}, .ack = answer.seq + 1, .flags = wire::tcp_flag::ack});
    return answer.seq + 1;
  }
  uint64_t counted(Counter c) const { return host->count[c]; }

  std::unique_ptr<Host> host;
  Instant now{1'000'000'000};
  uint32_t packets = 0;
};

class Waiting : public Room {
 public:
  // We close first; the connection is in TIME-WAIT, its next numbers `ours` and 102.
  void SetUp() override {
    Room::SetUp();
    host->pattern.close_when_sent = true;
    const SeqNum nxt = establish();
    serve();
    EXPECT_EQ(one().flags, wire::tcp_flag::fin | wire::tcp_flag::ack);
    gets({.seq = {101}, .ack = nxt + 1, .flags = wire::tcp_flag::fin | wire::tcp_flag::ack});
    EXPECT_EQ(one().ack.v, 102u);
    serve();
    ours = nxt + 1;
    EXPECT_EQ(host->room.connections(tcp::State::TimeWait), 1u);
    EXPECT_TRUE(host->apps.begin()->second.closed);
  }
  SeqNum ours;
};

}  // namespace sluice::test
