// SPDX-License-Identifier: Apache-2.0
// The Ethernet II header.
#pragma once

#include "base/result.h"
#include "wire/field.h"
#include "wire/mac.h"

namespace sluice::wire {

enum class EtherType : uint16_t { Ip4 = 0x0800, Arp = 0x0806, Vlan = 0x8100, Ip6 = 0x86dd, QinQ = 0x88a8 };

class Ethernet {
  static constexpr Field<Mac> f_dst{0}, f_src{6};
  static constexpr Field<uint16_t> f_type{12};

 public:
  static constexpr size_t header_len = 14;
  static_assert(f_type.end() == header_len);

  static constexpr Result<Ethernet> parse(Bytes b) {
    if (b.size() < header_len) return Counter::link_truncated;
    return Ethernet{b.data()};
  }
  constexpr Mac dst() const { return f_dst.get(p_); }
  constexpr Mac src() const { return f_src.get(p_); }
  constexpr EtherType type() const { return static_cast<EtherType>(f_type.get(p_)); }

  // Writes a header to `out`, which has room for header_len.
  static constexpr void emit(uint8_t* out, const Mac& dst, const Mac& src, EtherType type) {
    f_dst.set(out, dst);
    f_src.set(out, src);
    f_type.set(out, static_cast<uint16_t>(type));
  }

 private:
  constexpr explicit Ethernet(const uint8_t* p) : p_{p} {}
  const uint8_t* p_;
};

}  // namespace sluice::wire
