// SPDX-License-Identifier: Apache-2.0
// Ethernet and IP headers of either family that were made once and are written many times: addresses and
// lengths change, and IPv4's checksum follows from a sum made beforehand (RFC 1071). Knows no device.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "app/load/sum.h"
#include "wire/ethernet.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/ip_addr.h"
#include "wire/mac.h"

namespace sluice::load {

class Headers {
  static constexpr size_t l2 = wire::Ethernet::header_len;

 public:
  // Octets in front of what IP carries.
  static constexpr uint16_t size_of(bool four) {
    return static_cast<uint16_t>(l2 + (four ? wire::Ip4::min_header_len : wire::Ip6::header_len));
  }

  Headers() = default;
  // `proto`: IPv4's protocol, IPv6's next header.
  Headers(const Mac& src, const Mac& dst, bool four, uint8_t proto);

  bool four() const { return four_; }
  uint16_t size() const { return size_of(four_); }

  // Writes them in front of so many octets; `out` has room for size(), the addresses are of our family.
  // Returns the sum of the addresses' words, for the checksum of what follows.
  uint64_t write(uint8_t* out, const IpAddr& src, const IpAddr& dst, uint16_t payload) const {
    const uint64_t sum = addresses(src, dst);
    if (four_) {
      const auto total = static_cast<uint16_t>(wire::Ip4::min_header_len + payload);
      std::memcpy(out, octets_.data(), size_of(true));
      store_be<uint16_t>(out + l2 + 2, total);
      store_be<uint16_t>(out + l2 + 10, checksum(sum_ + total + sum));
      src.v4().store(out + l2 + wire::Ip4::src_at);
      dst.v4().store(out + l2 + wire::Ip4::dst_at);
    } else {
      std::memcpy(out, octets_.data(), size_of(false));
      wire::Ip6::set_payload_length(out + l2, payload);
      src.v6().store(out + l2 + wire::Ip6::src_at);
      dst.v6().store(out + l2 + wire::Ip6::dst_at);
    }
    return sum;
  }
  // The sum of the addresses' words.
  uint64_t addresses(const IpAddr& src, const IpAddr& dst) const {
    if (four_) return words(src.v4().v) + words(dst.v4().v);
    return of_six(src.bytes().data()) + of_six(dst.bytes().data());
  }
  // The same of a frame with such headers.
  uint64_t addresses(const uint8_t* frame) const {
    const uint8_t* p = frame + l2 + (four_ ? wire::Ip4::src_at : wire::Ip6::src_at);
    if (four_) return words(load_be<uint32_t>(p)) + words(load_be<uint32_t>(p + 4));
    return of_six(p) + of_six(p + 16);
  }

 private:
  // The sum of the words of an IPv6 address.
  static uint64_t of_six(const uint8_t* p) {
    uint64_t sum = 0;
    for (int i = 0; i < 16; i += 4) sum += words(load_be<uint32_t>(p + i));
    return sum;
  }

  bool four_ = true;
  std::array<uint8_t, l2 + wire::Ip6::header_len> octets_{};
  uint64_t sum_ = 0;  // of the words of IPv4's header that stay
};

}  // namespace sluice::load
