// SPDX-License-Identifier: Apache-2.0
// Clients of HTTP over a line that loses nothing: each asks for a page, asks again and for the end, and goes.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "stack/journey.h"

namespace sluice::test {

class Visitors {
 public:
  using Send = std::function<void(Octets)>;
  Visitors(size_t most, Send send) : all_(most), send_{std::move(send)} {}

  void dial(size_t how_many) {
    for (Visitor& v : all_) {
      if (how_many == 0) return;
      if (v.here) continue;
      v = {.here = true, .port = {next_port_++}, .snd = {77}};
      segment(v, wire::tcp_flag::syn);
      --how_many;
    }
  }
  // A SYN of somebody who is not heard of again.
  void stray() {
    Visitor v{.port = {next_port_++}, .snd = {1}};
    segment(v, wire::tcp_flag::syn);
  }
  // A frame with a segment of ours.
  void hear(const wire::Ip4& ip) {
    const auto h = *wire::Tcp::parse(ip.payload());
    for (Visitor& v : all_)
      if (v.here && v.port == h.dst()) return hear(v, h);
  }
  size_t visits() const { return visits_; }

 private:
  struct Visitor {
    bool here = false;
    Port port;
    SeqNum snd, rcv{};
    int asked = 0;
    size_t got = 0;
  };
  void ask(Visitor& v) {
    constexpr std::string_view first = "GET /big HTTP/1.1\r\nHost: www.example.test\r\n\r\n",
                               last =
                                   "GET /big HTTP/1.1\r\nHost: www.example.test\r\nConnection: close\r\n\r\n";
    segment(v, wire::tcp_flag::ack | wire::tcp_flag::psh, v.asked++ == 0 ? first : last);
    v.got = 0;
  }
  void hear(Visitor& v, const wire::Tcp& h) {
    if ((h.flags() & wire::tcp_flag::rst) != 0) return void(v.here = false);
    if ((h.flags() & wire::tcp_flag::syn) != 0) {
      v.rcv = h.seq() + 1;
      return ask(v);
    }
    if (h.seq() != v.rcv) return;
    const auto n = static_cast<uint32_t>(h.text().size());
    const bool ends = (h.flags() & wire::tcp_flag::fin) != 0;
    if (n == 0 && !ends) return;
    v.rcv = v.rcv + n + (ends ? 1 : 0);
    v.got += n;
    if (ends) {
      segment(v, wire::tcp_flag::ack | wire::tcp_flag::fin);
      v.here = false;
      ++visits_;
    } else if (v.got > big_page().size() && v.asked == 1) {
      ask(v);
    } else {
      segment(v, wire::tcp_flag::ack);
    }
  }
  void segment(Visitor& v, uint8_t flags, std::string_view text = {}) {
    send_(tcp4(
        {.src = v.port, .dst = {80}, .seq = v.snd, .ack = v.rcv, .flags = flags, .window = RawWindow{65'535}},
        text));
    v.snd = v.snd + static_cast<uint32_t>(text.size()) +
            ((flags & (wire::tcp_flag::syn | wire::tcp_flag::fin)) != 0 ? 1 : 0);
  }

  std::vector<Visitor> all_;
  Send send_;
  uint16_t next_port_ = 1024;
  size_t visits_ = 0;
};

}  // namespace sluice::test
