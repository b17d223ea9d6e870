// SPDX-License-Identifier: Apache-2.0
#include "app/load/frame.h"

#include <cstring>

#include "app/load/sum.h"
#include "base/check.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/ip4.h"
#include "wire/tuple.h"
#include "wire/udp.h"

namespace sluice::load {
namespace {

constexpr size_t l2 = wire::Ethernet::header_len, l4 = l2 + wire::Ip4::min_header_len;
constexpr uint8_t experiment = 253;  // IP protocol

uint8_t protocol(Carrier c) {
  switch (c) {
    case Carrier::Udp:
      return static_cast<uint8_t>(IpProto::Udp);
    case Carrier::Echo:
      return static_cast<uint8_t>(IpProto::Icmp);
    default:
      return experiment;
  }
}

}  // namespace

Frame::Frame(Carrier c, uint16_t size, const Mac& src, const Mac& dst) : carrier_{c} {
  check(size >= least(c) && size >= 64, "a frame has room for its stamp");
  octets_.resize(size - check_sequence);
  uint8_t* p = octets_.data();
  for (size_t i = stamp_at() + Stamp::size; i < octets_.size(); ++i)
    p[i] = static_cast<uint8_t>(i * 167 + 13);
  wire::Ethernet::emit(p, dst, src, wire::EtherType::Ip4);
  const auto total = static_cast<uint16_t>(octets_.size() - l2);
  wire::Ip4::emit(p + l2, {.total_length = total, .dont_fragment = true, .proto = protocol(c)}, false);
  ip_sum_ = wire::Sum{}.add(Bytes{p + l2, wire::Ip4::min_header_len}).folded();
  const auto length = static_cast<uint16_t>(octets_.size() - l4);
  if (c == Carrier::Udp) {
    wire::Udp::emit(p + l4, {}, {}, length);
    l4_sum_ = protocol(c) + uint64_t{length};  // of the pseudo-header
  } else if (c == Carrier::Echo) {
    p[l4] = 8;
  }
  l4_sum_ += wire::Sum{}.add(Bytes{octets_}.subspan(l4)).folded();
}

void Frame::write(uint8_t* out, const Place& at, const Stamp& stamp) const {
  std::memcpy(out, octets_.data(), octets_.size());
  at.src.store(out + l2 + 12);
  at.dst.store(out + l2 + 16);
  const uint64_t addresses = words(at.src.v) + words(at.dst.v);
  store_be<uint16_t>(out + l2 + 10, checksum(ip_sum_ + addresses));
  stamp.emit(out + stamp_at());
  if (carrier_ == Carrier::Bare) return;
  const uint64_t changing = uint64_t{at.src_port.v} + at.dst_port.v + stamp.words();
  if (carrier_ == Carrier::Udp) {
    at.src_port.store(out + l4);
    at.dst_port.store(out + l4 + 2);
    const auto sum = checksum(l4_sum_ + addresses + changing);
    store_be<uint16_t>(out + l4 + 6, sum == 0 ? 0xffff : sum);  // RFC 768: 0 says "none"
  } else {
    at.src_port.store(out + l4 + 4);
    at.dst_port.store(out + l4 + 6);
    store_be<uint16_t>(out + l4 + 2, checksum(l4_sum_ + changing));
  }
}

Frame::Verdict Frame::look(Bytes frame, Stamp& stamp) const {
  const uint8_t* p = frame.data();
  if (load_be<uint16_t>(p + 12) != 0x0800 || p[l2] != 0x45 || p[l2 + 9] != protocol(carrier_))
    return Verdict::Strange;
  if (carrier_ == Carrier::Echo && ((p[l4] != 8 && p[l4] != 0) || p[l4 + 1] != 0)) return Verdict::Strange;
  const auto found = Stamp::parse(p + stamp_at());
  if (!found) return Verdict::Damaged;
  stamp = *found;
  if (load_be<uint16_t>(p + l2 + 2) != octets_.size() - l2 ||
      wire::Sum{}.add(Bytes{p + l2, wire::Ip4::min_header_len}).folded() != 0xffff)
    return Verdict::Damaged;
  const size_t rest = stamp_at() + Stamp::size;
  if (std::memcmp(p + rest, octets_.data() + rest, octets_.size() - rest) != 0) return Verdict::Damaged;
  if (carrier_ == Carrier::Bare) return Verdict::Ours;
  // The filling is as it was, so the sum of the whole follows from the sum of the template.
  uint64_t sum = l4_sum_ + stamp.words();
  if (carrier_ == Carrier::Udp) {
    if (load_be<uint16_t>(p + l4 + 4) != octets_.size() - l4) return Verdict::Damaged;
    sum += words(load_be<uint32_t>(p + l2 + 12)) + words(load_be<uint32_t>(p + l2 + 16));
    sum +=
        uint64_t{load_be<uint16_t>(p + l4)} + load_be<uint16_t>(p + l4 + 2) + load_be<uint16_t>(p + l4 + 6);
    if (load_be<uint16_t>(p + l4 + 6) == 0) return Verdict::Ours;  // whoever took the checksum out may
  } else {
    sum += uint64_t{load_be<uint16_t>(p + l4 + 2)} + load_be<uint16_t>(p + l4 + 4) +
           load_be<uint16_t>(p + l4 + 6);
    if (p[l4] == 0) sum += 0xffff - 0x0800;  // the template counted the type of a request
  }
  return fold(sum) == 0xffff ? Verdict::Ours : Verdict::Damaged;
}

}  // namespace sluice::load
