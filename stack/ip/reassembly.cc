// SPDX-License-Identifier: Apache-2.0
#include "ip/reassembly.h"

#include <cstring>

#include "wire/ip4.h"
#include "wire/ip6.h"

namespace sluice::ip {

using buf::Packet;

namespace {

constexpr uint32_t datagram_most = 65535;

// RFC 3168 §5.3: congestion that any fragment met was met by the datagram. What is not ECN-capable cannot
// have been marked; nothing: they contradict each other.
bool ecn_of(uint8_t seen, uint8_t first, uint8_t& out) {
  constexpr uint8_t not_capable = 0, congestion = 3;
  const bool marked = (seen & 1u << congestion) != 0;
  out = marked ? congestion : first;
  return !marked || (seen & 1u << not_capable) == 0;
}

}  // namespace

Reassembly::Reassembly(const Options& o, buf::PacketPool& pool, SipKey key, Counters& count)
    : pool_{pool},
      count_{count},
      fragments_most_{o.reassembly_fragments},
      pieces_{{.datagrams = o.reassembly_datagrams,
               .packets = o.reassembly_packets,
               .per_source = o.reassembly_per_source,
               .time4 = o.reassembly_time,
               .time6 = o.reassembly_time6},
              key,
              count} {}

Packet Reassembly::add(Packet&& packet, const Fragment& f, Instant now) {
  Packet p{std::move(packet)};
  const auto no = [this](Counter why) {
    count_.add(why);
    return Packet{};
  };
  count_.add(Counter::ip_fragments_in);
  if (f.at + f.size > datagram_most) return no(Counter::ip_fragment_too_long);
  uint32_t i = pieces_.find(f.id);
  if (i == no_index) i = pieces_.open(f.id, now);
  Pieces::Datagram& d = pieces_[i];
  if (d.refused) return no(Counter::ip_fragment_refused);

  const auto refused = [&](Counter why) {
    refuse(i, why);
    return no(why);
  };
  const Place place = place_of(p, f, d);
  if (place.duplicate) return no(Counter::ip_fragment_duplicate);
  if (place.overlaps) return refused(Counter::ip_fragment_overlap);
  if (d.count == fragments_most_) return refused(Counter::ip_fragment_too_many);

  if (!f.more) d.end = f.at + f.size;
  if (f.at == 0) d.header = f.header, d.patch_at = f.patch_at, d.patch = f.patch, d.small = f.small;
  d.octets += f.size;
  d.ecn_seen = static_cast<uint8_t>(d.ecn_seen | 1u << f.ecn);
  if (!pieces_.hold(
          i, place.behind,
          {.packet = std::move(p), .at = static_cast<uint16_t>(f.at), .size = f.size, .from = f.from}))
    return {};
  // Nothing overlaps and nothing lies behind the end: as many octets as there are to be are all of them.
  if (d.octets != d.end) return {};
  Packet whole = rebuilt(i);
  pieces_.close(i);
  return whole;
}

// Where it belongs among the pieces. Most come in their order, and stand at the end.
Reassembly::Place Reassembly::place_of(const Packet& p, const Fragment& f, const Pieces::Datagram& d) {
  Place place;
  uint32_t next = d.first;
  if (d.last != no_index && pieces_.piece(d.last).at <= f.at) {
    place.behind = d.last;
    next = no_index;
  }
  for (; next != no_index && pieces_.piece(next).at <= f.at; next = pieces_.piece(next).next)
    place.behind = next;
  const uint32_t end = f.at + f.size;
  if (place.behind != no_index) {
    const Pieces::Piece& before = pieces_.piece(place.behind);
    // RFC 8200 §4.5: networks duplicate; what is the same in every octet is no overlap.
    place.duplicate = before.at == f.at && before.size == f.size && f.more == (d.end != end) &&
                      std::memcmp(before.packet.data() + before.from, p.data() + f.from, f.size) == 0;
    place.overlaps = uint32_t{before.at} + before.size > f.at;
  }
  if (next != no_index) place.overlaps |= end > pieces_.piece(next).at;
  // The end: nothing passes it, only one piece has it, and none came that passed it.
  if (d.end != Pieces::no_length) place.overlaps |= !f.more || end >= d.end;
  if (!f.more) place.overlaps |= next != no_index;
  return place;
}

// What still comes of it is refused too, until its time is over (RFC 5722 §4).
void Reassembly::refuse(uint32_t datagram, Counter why) {
  count_.add(why, pieces_[datagram].count);
  pieces_.empty(datagram);
  pieces_[datagram].refused = true;
}

// For the datagram as it would have come in; the longest ones leave no room for a frame's header.
Packet Reassembly::room_for(const Pieces::Datagram& d, size_t l2) {
  const auto frame = static_cast<uint32_t>(d.header + d.end);
  if (d.small && frame > pool_.packet_octets()) return {};
  const bool fits = frame <= Packet::large_room;
  Packet out = pool_.alloc_for(fits ? frame : frame - static_cast<uint32_t>(l2));
  if (out) out.headers(static_cast<uint8_t>(fits ? l2 : 0), 0, 0);
  return out;
}

Packet Reassembly::rebuilt(uint32_t datagram) {
  const Pieces::Datagram& d = pieces_[datagram];
  const Packet& first = pieces_.piece(d.first).packet;
  const size_t l2 = first.l2_len();
  const bool v4 = d.id.src.is_v4();
  const auto no = [&](Counter why) {
    count_.add(why, d.count);
    return Packet{};
  };
  // IPv6 counts the payload alone.
  const size_t counted = d.header - l2 + d.end - (v4 ? 0 : wire::Ip6::header_len);
  if (counted > datagram_most) return no(Counter::ip_fragment_too_long);
  const uint8_t ecn_first = first.data()[l2 + 1] >> (v4 ? 0 : 4) & 3;
  uint8_t ecn = 0;
  if (!ecn_of(d.ecn_seen, ecn_first, ecn)) return no(Counter::ip_fragment_ecn);
  Packet out = room_for(d, l2);
  if (!out) return no(Counter::ip_fragment_no_buffer);

  const size_t skip = l2 - out.l2_len();
  const size_t size = d.header - skip + d.end;
  uint8_t* const to = out.append(static_cast<uint16_t>(size));
  if (to == nullptr) return no(Counter::ip_fragment_no_buffer);
  uint8_t* at = to;
  const auto put = [&at](const uint8_t* from, size_t n) {
    std::memcpy(at, from, n);
    at += n;
  };
  put(first.data() + skip, d.header - skip);
  for (uint32_t i = d.first; i != no_index; i = pieces_.piece(i).next) {
    const Pieces::Piece& piece = pieces_.piece(i);
    put(piece.packet.data() + piece.from, piece.size);
  }
  if (d.patch_at != 0) to[d.patch_at - skip] = d.patch;
  uint8_t* const header = to + out.l2_len();
  if (v4) {
    wire::Ip4::set_ecn(header, ecn);
    wire::Ip4::as_fragment(header, counted, 0, false);
  } else {
    wire::Ip6::set_ecn(header, ecn);
    wire::Ip6::set_payload_length(header, counted);
  }
  out.ingress(first.ingress());
  count_.add(Counter::ip_reassembled);
  return out;
}

bool Reassembly::expire(Instant now, buf::Batch& out) {
  for (uint32_t i; (i = pieces_.overdue(now)) != no_index;) {
    const Pieces::Datagram& d = pieces_[i];
    const bool tell = d.first != no_index && pieces_.piece(d.first).at == 0;
    if (tell && out.full()) return true;
    count_.add(Counter::ip_fragment_timeout, d.count);
    if (tell) out.push(pieces_.take_first(i));
    pieces_.close(i);
  }
  return false;
}

}  // namespace sluice::ip
