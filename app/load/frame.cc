// SPDX-License-Identifier: Apache-2.0
#include "app/load/frame.h"

#include <cstring>

#include "base/check.h"
#include "wire/checksum.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/tuple.h"
#include "wire/udp.h"

namespace sluice::load {
namespace {

constexpr size_t l2 = wire::Ethernet::header_len;
constexpr uint8_t experiment = 253;  // IP protocol

uint8_t protocol(Carrier c, bool four) {
  switch (c) {
    case Carrier::Udp:
      return static_cast<uint8_t>(IpProto::Udp);
    case Carrier::Echo:
      return static_cast<uint8_t>(four ? IpProto::Icmp : IpProto::Icmp6);
    default:
      return experiment;
  }
}

uint8_t type(bool four, bool request) {
  if (four) return static_cast<uint8_t>(request ? wire::Icmp4Type::Echo : wire::Icmp4Type::EchoReply);
  return static_cast<uint8_t>(request ? wire::Icmp6Type::Echo : wire::Icmp6Type::EchoReply);
}

}  // namespace

Frame::Frame(Carrier c, bool four, uint16_t size, const Mac& src, const Mac& dst)
    : carrier_{c},
      proto_{protocol(c, four)},
      request_{type(four, true)},
      reply_{type(four, false)},
      headers_{src, dst, four, proto_} {
  check(size >= least(c, four), "a frame has room for its stamp");
  octets_.resize(size - check_sequence - headers_.size());
  uint8_t* p = octets_.data();
  for (size_t i = stamp_at() + Stamp::size; i < octets_.size(); ++i)
    p[i] = static_cast<uint8_t>((headers_.size() + i) * 167 + 13);
  const auto payload = static_cast<uint16_t>(octets_.size());
  if (c == Carrier::Udp) wire::Udp::emit(p, {}, {}, payload);
  if (c == Carrier::Echo) p[0] = request_;
  if (sums_addresses()) l4_sum_ = proto_ + uint64_t{payload};  // of the pseudo-header
  l4_sum_ += wire::Sum{}.add(Bytes{octets_}).folded();
}

void Frame::write(uint8_t* out, const Place& at, const Stamp& stamp) const {
  const uint64_t addresses = headers_.write(out, at.src, at.dst, static_cast<uint16_t>(octets_.size()));
  uint8_t* l4 = out + headers_.size();
  std::memcpy(l4, octets_.data(), octets_.size());
  stamp.emit(l4 + stamp_at());
  if (carrier_ == Carrier::Bare) return;
  uint64_t sum = l4_sum_ + at.src_port.v + at.dst_port.v + stamp.words();
  if (sums_addresses()) sum += addresses;
  const uint16_t sealed = checksum(sum);
  if (carrier_ == Carrier::Udp) {
    at.src_port.store(l4);
    at.dst_port.store(l4 + 2);
    store_be<uint16_t>(l4 + 6, sealed == 0 ? 0xffff : sealed);  // RFC 768: 0 says "none"
  } else {
    at.src_port.store(l4 + 4);
    at.dst_port.store(l4 + 6);
    store_be<uint16_t>(l4 + 2, sealed);
  }
}

// Of our family and carrier.
bool Frame::of_ours(const uint8_t* p) const {
  const auto ethertype = load_be<uint16_t>(p + 12);
  if (headers_.four()) {
    if (ethertype != 0x0800 || p[l2] != 0x45 || p[l2 + 9] != proto_) return false;
  } else if (ethertype != 0x86dd || p[l2] >> 4 != 6 || p[l2 + 6] != proto_) {
    return false;
  }
  const uint8_t* l4 = p + headers_.size();
  return carrier_ != Carrier::Echo || ((l4[0] == request_ || l4[0] == reply_) && l4[1] == 0);
}

// The length is ours, and so is the rest as far as routers leave it alone.
bool Frame::good_header(const uint8_t* p) const {
  if (!headers_.four())
    return load_be<uint16_t>(p + l2 + wire::Ip6::payload_length_at) == octets_.size() &&
           (load_be<uint32_t>(p + l2) & 0xf'ffff) == 0;  // the flow label
  return load_be<uint16_t>(p + l2 + 2) == wire::Ip4::min_header_len + octets_.size() &&
         wire::Sum{}.add(Bytes{p + l2, wire::Ip4::min_header_len}).folded() == 0xffff;
}

Frame::Verdict Frame::look(Bytes frame, Stamp& stamp) const {
  if (!of_ours(frame.data())) return Verdict::Strange;
  const uint8_t* l4 = frame.data() + headers_.size();
  const auto found = Stamp::parse(l4 + stamp_at());
  if (!found) return Verdict::Damaged;
  stamp = *found;
  if (!good_header(frame.data())) return Verdict::Damaged;
  const size_t rest = stamp_at() + Stamp::size;
  if (std::memcmp(l4 + rest, octets_.data() + rest, octets_.size() - rest) != 0) return Verdict::Damaged;
  if (carrier_ == Carrier::Bare) return Verdict::Ours;
  // The filling is as it was, so the sum of the whole follows from the sum of the template.
  uint64_t sum = l4_sum_ + stamp.words();
  if (sums_addresses()) sum += headers_.addresses(frame.data());
  if (carrier_ == Carrier::Udp) {
    if (load_be<uint16_t>(l4 + 4) != octets_.size()) return Verdict::Damaged;
    const auto sealed = load_be<uint16_t>(l4 + 6);
    // Whoever took the checksum out may, but for IPv6's (RFC 8200 §8.1).
    if (sealed == 0) return headers_.four() ? Verdict::Ours : Verdict::Damaged;
    sum += uint64_t{load_be<uint16_t>(l4)} + load_be<uint16_t>(l4 + 2) + sealed;
  } else {
    sum += uint64_t{load_be<uint16_t>(l4 + 2)} + load_be<uint16_t>(l4 + 4) + load_be<uint16_t>(l4 + 6);
    // The template counted the type of a request.
    if (l4[0] == reply_) sum += 0xffffu - (uint32_t{request_} << 8) + (uint32_t{reply_} << 8);
  }
  return fold(sum) == 0xffff ? Verdict::Ours : Verdict::Damaged;
}

}  // namespace sluice::load
