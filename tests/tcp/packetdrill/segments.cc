// SPDX-License-Identifier: Apache-2.0
#include "tcp/packetdrill/segments.h"

#include <algorithm>

#include "wire/tcp.h"

namespace sluice::test::pkt {
namespace {

using K = Option::Kind;

constexpr struct {
  K kind;
  uint8_t number, width, most;  // octets of each value, values at most
} kinds[] = {{K::Mss, 2, 2, 1},
             {K::Scale, 3, 1, 1},
             {K::SackPermitted, 4, 0, 0},
             {K::Sack, 5, 4, 8},
             {K::Timestamps, 8, 4, 2}};

void emit(const Option& o, std::vector<uint8_t>& out) {
  if (o.kind == K::Nop) return out.push_back(1);
  if (o.kind == K::End) return out.push_back(0);
  for (const auto& k : kinds) {
    if (k.kind != o.kind) continue;
    out.push_back(k.number);
    out.push_back(static_cast<uint8_t>(2 + k.width * o.numbers.size()));
    for (const uint32_t n : o.numbers)
      for (int shift = 8 * (k.width - 1); shift >= 0; shift -= 8)
        out.push_back(static_cast<uint8_t>(n >> shift));
  }
}

Option read_option(uint8_t number, Bytes value) {
  for (const auto& k : kinds) {
    if (k.number != number) continue;
    Option o{k.kind, {}};
    for (size_t at = 0; k.width != 0 && at + k.width <= value.size(); at += k.width) {
      uint32_t n = 0;
      for (size_t i = 0; i < k.width; ++i) n = n << 8 | value[at + i];
      o.numbers.push_back(n);
    }
    if (o.numbers.size() * k.width != value.size() || o.numbers.size() > k.most)
      throw Fault{0, "the room sent an option of a wrong length"};
    return o;
  }
  return {K::Other, {number}};
}

}  // namespace

std::vector<uint8_t> emit(const Packet& p, Port src, Port dst, Bytes text) {
  std::vector<uint8_t> options;
  for (const Option& o : p.options) emit(o, options);
  while (options.size() % 4 != 0) options.push_back(0);
  if (options.size() > wire::Tcp::options_most) throw Fault{0, "more options than a header has room for"};
  std::vector<uint8_t> b(wire::Tcp::header_len + options.size() + text.size());
  wire::Tcp::emit(b.data(), {.src = src,
                             .dst = dst,
                             .seq = {p.seq},
                             .ack = {p.ack},
                             .flags = p.flags,
                             .window = {p.window.value_or(0)},
                             .options = static_cast<uint8_t>(options.size())});
  constexpr size_t urgent_at = 18;
  store_be<uint16_t>(b.data() + urgent_at, p.urgent.value_or(0));
  std::copy(options.begin(), options.end(), b.begin() + wire::Tcp::header_len);
  std::copy(text.begin(), text.end(), b.end() - static_cast<ptrdiff_t>(text.size()));
  return b;
}

Parsed read(Bytes b) {
  const auto h = wire::Tcp::parse(b);
  if (!h) throw Fault{0, "the room sent something that is no TCP segment"};
  Parsed r{.local = h->src(), .remote = h->dst(), .text = h->text()};
  Packet& p = r.packet;
  p.flags = h->flags();
  p.seq = h->seq().v;
  p.ack = h->ack().v;
  p.window = h->window().v;
  p.text = static_cast<uint32_t>(h->text().size());
  for (Bytes left = h->options(); !left.empty();) {
    if (left[0] == 0) break;
    if (left[0] == 1) {
      p.options.push_back({K::Nop, {}});
      left = left.subspan(1);
      continue;
    }
    if (left.size() < 2 || left[1] < 2 || left[1] > left.size())
      throw Fault{0, "the room sent options that cannot be read"};
    p.options.push_back(read_option(left[0], left.subspan(2, left[1] - 2u)));
    left = left.subspan(left[1]);
  }
  return r;
}

bool same_options(const std::vector<Option>& a, const std::vector<Option>& b) {
  const auto bare = [](std::vector<Option> all) {
    std::erase_if(all, [](const Option& o) { return o.kind == K::Nop || o.kind == K::End; });
    std::sort(all.begin(), all.end(), [](const Option& x, const Option& y) { return x.kind < y.kind; });
    return all;
  };
  return bare(a) == bare(b);
}

}  // namespace sluice::test::pkt
