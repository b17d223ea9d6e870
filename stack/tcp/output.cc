// SPDX-License-Identifier: Apache-2.0
#include "tcp/output.h"

#include <algorithm>

namespace sluice::tcp {

using namespace wire::tcp_flag;

void Output::emit(const Tuple& tuple, const Segment& s, const buf::ByteQueue* sending, const Path& path,
                  buf::Transmits& out) {
  const bool chains = path.multi_segment || path.tcp_segmentation;
  uint32_t pieces = 0;
  if (s.text > copy_most && chains)
    sending->for_range(s.text_at, s.text, [&](const buf::Slice&, uint32_t, uint32_t) { ++pieces; });
  const bool attaches = s.text > copy_most && chains && pieces <= most_pieces;
  if (s.text <= s.mss || (attaches && path.tcp_segmentation)) {
    one(tuple, s, sending, attaches, out);
    return;
  }
  // Too many small pieces for one chain: cut here what the device would have cut.
  for (uint32_t at = 0; at < s.text; at += s.mss) {
    Segment part = s;
    part.seq = s.seq + at;
    part.text = std::min<uint32_t>(s.mss, s.text - at);
    part.text_at = s.text_at + at;
    if (at + part.text < s.text) part.flags &= static_cast<uint8_t>(~(fin | psh));
    if (!one(tuple, part, sending, false, out)) return;
  }
}

bool Output::one(const Tuple& tuple, const Segment& s, const buf::ByteQueue* sending, bool attaches,
                 buf::Transmits& out) {
  const uint8_t options = s.options.size();
  const auto header = static_cast<uint8_t>(wire::Tcp::header_len + options);
  buf::Packet p = pool_.alloc();
  if (!p) {
    count_.add(Counter::tcp_no_packet);
    return false;
  }
  uint8_t* h = p.append(header);
  wire::Tcp::emit(h, {.src = tuple.local_port,
                      .dst = tuple.remote_port,
                      .seq = s.seq,
                      .ack = s.ack,
                      .flags = s.flags,
                      .window = s.window,
                      .options = options});
  s.options.emit(h + wire::Tcp::header_len);
  if (s.text != 0 && !(attaches ? attach(p, s, *sending) : copy(p, s, *sending))) {
    count_.add(Counter::tcp_no_packet);
    return false;
  }
  p.headers(0, 0, header);
  count_.add(Counter::tcp_segments_out);
  if (s.has(rst)) count_.add(Counter::tcp_resets_out);
  out.push(buf::Transmit{.packet = std::move(p),
                         .src = tuple.local,
                         .dst = tuple.remote,
                         .proto = IpProto::Tcp,
                         .tos = s.ecn,
                         .segment_size = static_cast<uint16_t>(s.text > s.mss ? s.mss : 0),
                         .vrf = tuple.vrf});
  return true;
}

// Behind the header as far as that reaches (always, with the MSS Tcp derives for a device without chains),
// then in further packets chained to it.
bool Output::copy(buf::Packet& p, const Segment& s, const buf::ByteQueue& sending) {
  uint32_t done = std::min<uint32_t>(s.text, static_cast<uint32_t>(p.tailroom()));
  sending.copy(s.text_at, {p.append(static_cast<uint16_t>(done)), done});
  while (done < s.text) {
    buf::Packet more = pool_.alloc();
    if (!more) return false;
    const uint32_t n = std::min<uint32_t>(s.text - done, static_cast<uint32_t>(more.tailroom()));
    sending.copy(s.text_at + done, {more.append(static_cast<uint16_t>(n)), n});
    buf::Slice piece{std::move(more), 0, n};
    if (!pool_.attach(p, piece)) return false;
    done += n;
  }
  return true;
}

bool Output::attach(buf::Packet& p, const Segment& s, const buf::ByteQueue& sending) {
  bool ok = true;
  sending.for_range(s.text_at, s.text, [&](const buf::Slice& from, uint32_t at, uint32_t n) {
    if (!ok) return;
    buf::Slice piece = from.clone(at, n);
    ok = pool_.attach(p, piece);
  });
  return ok;
}

}  // namespace sluice::tcp
