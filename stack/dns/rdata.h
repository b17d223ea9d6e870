// SPDX-License-Identifier: Apache-2.0
// What rdata is made of, one row per type: RFC 1035 §3.3 and §3.4, 2782 (SRV), 3596 (AAAA), 8659 (CAA).
// Parser, checks and zone builder all read this table; a type without a row is opaque octets (RFC 3597).
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "dns/types.h"

namespace sluice::dns {

enum class Field : uint8_t {
  End,
  Name,       // may be compressed: the types of RFC 1035 only (RFC 3597 §4)
  PlainName,  // a name that must not be compressed
  U8,
  U16,
  U32,
  Period,   // 32 bits of seconds, written with or without units
  Ip4,      // 4 octets
  Ip6,      // 16 octets
  Strings,  // one or more character-strings, to the end
  Tag,      // length octet, then 1 to 255 ASCII letters and digits
  Rest,     // octets to the end, without a length
};

struct RdataForm {
  Type type;
  std::string_view mnemonic;
  std::array<Field, 8> fields;
};

std::span<const RdataForm> rdata_forms();
const RdataForm* form_of(Type);                      // null: opaque
const RdataForm* form_named(std::string_view text);  // ignores case; null when no row has it

std::string type_text(Type);                            // mnemonic, or TYPEnnn
std::optional<Type> type_named(std::string_view text);  // mnemonic or TYPEnnn, ignoring case

// The octets of `field` at the front of `rest`; nothing when they are not all there or not of its form.
std::optional<size_t> field_len(Field field, Bytes rest);

// Calls f(Field, Bytes) for each field of `rdata` in order. False when it does not have the form `form`.
template <class F>
bool for_each_field(const RdataForm& form, Bytes rdata, F&& f) {
  for (const Field field : form.fields) {
    if (field == Field::End) break;
    const auto n = field_len(field, rdata);
    if (!n) return false;
    f(field, rdata.first(*n));
    rdata = rdata.subspan(*n);
  }
  return rdata.empty();
}

inline bool has_form(const RdataForm& form, Bytes rdata) {
  return for_each_field(form, rdata, [](Field, Bytes) {});
}

// Two records are the same when their canonical rdata are: names in lower case (RFC 4034 §6.2). `rdata` has
// its form.
std::string canonical_rdata(Type, std::string_view rdata);

// The name whose addresses belong into the additional section (NS, MX, SRV) or that an answer goes on with
// (CNAME): offset and length inside `rdata`, which has its form. Nothing for other types.
struct TargetAt {
  size_t at, len;
};
std::optional<TargetAt> target_of(Type, Bytes rdata);

}  // namespace sluice::dns
