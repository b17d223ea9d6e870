// SPDX-License-Identifier: Apache-2.0
#include "ip/fragments.h"

namespace sluice::ip {

using buf::Packet;

Fragments::Fragments(const Options& options, buf::PacketPool& pool, Counters& count, Rng& rng, Onward onward)
    : reassembly{options, pool, SipKey{rng(), rng()}, count},
      following{options, SipKey{rng(), rng()}, count},
      ids{rng},
      pool_{pool},
      count_{count},
      onward_{onward} {}

// A copy: shared segments would need counts that workers share, and a device that takes chains.
Packet Fragments::piece(const Packet& whole, uint32_t at, uint32_t size, size_t header) {
  const auto octets = static_cast<uint32_t>(header + size);
  Packet p = octets <= pool_.packet_octets() ? pool_.alloc() : Packet{};
  if (!p) return p;
  uint8_t* const to = p.append(static_cast<uint16_t>(octets));
  whole.copy(at, {to + header, size});
  p.headers(0, static_cast<uint16_t>(header), 0);
  p.ingress(whole.ingress());
  return p;
}

void Fragments::push(buf::Egress&& e, Instant now, buf::Egresses& out) {
  if (out.full()) {
    if (onward_.send == nullptr) return count_.add(Counter::ip_no_piece);
    onward_.send(onward_.to, out, now);
  }
  out.push(std::move(e));
  count_.add(Counter::ip_fragments_out);
}

void Fragments::pushed(Instant now, buf::Egresses& out) {
  if (onward_.send != nullptr) onward_.send(onward_.to, out, now);
}

}  // namespace sluice::ip
