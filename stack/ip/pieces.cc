// SPDX-License-Identifier: Apache-2.0
#include "ip/pieces.h"

#include <algorithm>

namespace sluice::ip {

using buf::Packet;

Pieces::Pieces(const Limits& limits, SipKey key, Counters& count)
    : limits_{limits},
      key_{key},
      count_{count},
      datagrams_{limits.datagrams},
      pieces_{limits.packets},
      table_{limits.datagrams},
      ages_{IndexList{limits.datagrams}, IndexList{limits.datagrams}},
      sources_(source_count) {}

uint32_t Pieces::hash(const DatagramId& id) const {
  std::array<uint8_t, 39> in;
  std::ranges::copy(id.src.bytes(), in.begin());
  std::ranges::copy(id.dst.bytes(), in.begin() + 16);
  store_be<uint32_t>(in.data() + 32, id.id);
  in[36] = id.proto;
  store_be<uint16_t>(in.data() + 37, id.vrf);
  return static_cast<uint32_t>(siphash13(key_, in));
}

uint32_t Pieces::find(const DatagramId& id) const {
  return table_.find(hash(id), [&](uint32_t i) { return datagrams_[i].id == id; });
}

uint32_t Pieces::open(const DatagramId& id, Instant now) {
  // Who owns an IPv6 address mostly owns its /64.
  const Bytes from = id.src.is_v4() ? id.src.bytes() : id.src.bytes().first(8);
  const auto number = static_cast<uint16_t>((siphash13(key_, from) + id.vrf) % source_count);
  Source& source = sources_[number];
  if (source.share >= limits_.per_source) shed(source.oldest);
  if (datagrams_.full()) shed(oldest());

  const uint32_t i = datagrams_.take();
  Datagram& d = datagrams_[i];
  d.id = id;
  d.born = now;
  d.hash = hash(id);
  d.source = number;
  d.older = source.youngest;
  (d.older == no_index ? source.oldest : datagrams_[d.older].younger) = i;
  source.youngest = i;
  ++source.share;
  table_.insert(d.hash, i);
  ages_[family(d)].push_back(i);
  return i;
}

bool Pieces::hold(uint32_t datagram, uint32_t behind, Piece&& piece) {
  const uint32_t generation = datagrams_.generation(datagram);
  const Source& source = sources_[datagrams_[datagram].source];
  while (source.share >= limits_.per_source || pieces_.full()) {
    shed(source.share >= limits_.per_source ? source.oldest : oldest());
    if (datagrams_.generation(datagram) != generation) {
      count_.add(Counter::ip_fragment_shed);
      return false;
    }
  }
  Datagram& d = datagrams_[datagram];
  const uint32_t i = pieces_.take(std::move(piece));
  uint32_t& link = behind == no_index ? d.first : pieces_[behind].next;
  pieces_[i].next = link;
  link = i;
  if (pieces_[i].next == no_index) d.last = i;
  ++d.count;
  ++sources_[d.source].share;
  packets_held_.store(pieces_.size(), std::memory_order_relaxed);
  return true;
}

void Pieces::release(Datagram& d, uint32_t piece) {
  pieces_.give(piece);
  --d.count;
  --sources_[d.source].share;
  packets_held_.store(pieces_.size(), std::memory_order_relaxed);
}

Packet Pieces::take_first(uint32_t datagram) {
  Datagram& d = datagrams_[datagram];
  const uint32_t i = d.first;
  Packet p = std::move(pieces_[i].packet);
  d.first = pieces_[i].next;
  if (d.first == no_index) d.last = no_index;
  release(d, i);
  return p;
}

void Pieces::empty(uint32_t datagram) {
  while (datagrams_[datagram].first != no_index) (void)take_first(datagram);
}

void Pieces::close(uint32_t datagram) {
  empty(datagram);
  Datagram& d = datagrams_[datagram];
  Source& source = sources_[d.source];
  (d.older == no_index ? source.oldest : datagrams_[d.older].younger) = d.younger;
  (d.younger == no_index ? source.youngest : datagrams_[d.younger].older) = d.older;
  --source.share;
  table_.erase(d.hash, datagram);
  ages_[family(d)].erase(datagram);
  datagrams_.give(datagram);
}

void Pieces::shed(uint32_t datagram) {
  count_.add(Counter::ip_fragment_shed, datagrams_[datagram].count);
  close(datagram);
}

uint32_t Pieces::oldest() const {
  const uint32_t four = ages_[0].front(), six = ages_[1].front();
  if (four == no_index || six == no_index) return four == no_index ? six : four;
  return datagrams_[four].born <= datagrams_[six].born ? four : six;
}

Instant Pieces::due(uint32_t family) const {
  const uint32_t i = ages_[family].front();
  if (i == no_index) return Instant::never();
  return datagrams_[i].born + (family == 0 ? limits_.time4 : limits_.time6);
}

Instant Pieces::deadline() const { return std::min(due(0), due(1)); }

uint32_t Pieces::overdue(Instant now) const {
  for (uint32_t f = 0; f < families; ++f)
    if (due(f) <= now) return ages_[f].front();
  return no_index;
}

}  // namespace sluice::ip
