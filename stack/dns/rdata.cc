// SPDX-License-Identifier: Apache-2.0
#include "dns/rdata.h"

#include <algorithm>
#include <charconv>

#include "dns/name.h"

namespace sluice::dns {
namespace {

using enum Field;

constexpr RdataForm forms[] = {
    {Type::A, "A", {Ip4}},
    {Type::Ns, "NS", {Field::Name}},
    {Type::Cname, "CNAME", {Field::Name}},
    {Type::Soa, "SOA", {Field::Name, Field::Name, U32, Period, Period, Period, Period}},
    {Type::Ptr, "PTR", {Field::Name}},
    {Type::Mx, "MX", {U16, Field::Name}},
    {Type::Txt, "TXT", {Strings}},
    {Type::Aaaa, "AAAA", {Ip6}},
    {Type::Srv, "SRV", {U16, U16, U16, PlainName}},
    {Type::Caa, "CAA", {U8, Tag, Rest}},
};

bool same_text(std::string_view a, std::string_view b) {
  return std::ranges::equal(as_bytes(a), as_bytes(b), {}, lower, lower);
}

std::optional<size_t> plain_name_len(Bytes b) {
  for (size_t at = 0; at < b.size() && at < max_name_len; at += 1u + b[at]) {
    if (b[at] == 0) return at + 1;
    if (b[at] > max_label_len) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<size_t> strings_len(Bytes b) {
  if (b.empty()) return std::nullopt;
  size_t at = 0;
  while (at < b.size()) at += 1u + b[at];
  if (at != b.size()) return std::nullopt;
  return at;
}

bool is_tag_octet(uint8_t c) { return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z'); }

std::optional<size_t> tag_len(Bytes b) {
  if (b.empty() || b[0] == 0 || b.size() - 1 < b[0]) return std::nullopt;
  if (!std::ranges::all_of(b.subspan(1, b[0]), is_tag_octet)) return std::nullopt;
  return 1u + b[0];
}

std::optional<size_t> fixed(size_t n, Bytes b) { return b.size() < n ? std::nullopt : std::optional{n}; }

}  // namespace

std::span<const RdataForm> rdata_forms() { return forms; }

const RdataForm* form_of(Type t) {
  const auto* f = std::ranges::find(forms, t, &RdataForm::type);
  return f == std::end(forms) ? nullptr : f;
}

const RdataForm* form_named(std::string_view text) {
  const auto* f =
      std::ranges::find_if(forms, [&](const RdataForm& r) { return same_text(r.mnemonic, text); });
  return f == std::end(forms) ? nullptr : f;
}

std::string type_text(Type t) {
  if (const RdataForm* f = form_of(t)) return std::string(f->mnemonic);
  return "TYPE" + std::to_string(static_cast<unsigned>(t));
}

std::optional<Type> type_named(std::string_view text) {
  if (const RdataForm* f = form_named(text)) return f->type;
  if (text.size() < 5 || !same_text(text.substr(0, 4), "TYPE")) return std::nullopt;
  uint16_t n = 0;
  const auto [end, wrong] = std::from_chars(text.data() + 4, text.data() + text.size(), n);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return static_cast<Type>(n);
}

std::optional<size_t> field_len(Field field, Bytes rest) {
  switch (field) {
    case Field::End:
      return 0;
    case Field::Name:
    case PlainName:
      return plain_name_len(rest);
    case U8:
      return fixed(1, rest);
    case U16:
      return fixed(2, rest);
    case U32:
    case Period:
    case Ip4:
      return fixed(4, rest);
    case Ip6:
      return fixed(16, rest);
    case Strings:
      return strings_len(rest);
    case Tag:
      return tag_len(rest);
    case Rest:
      return rest.size();
  }
  return std::nullopt;
}

std::string canonical_rdata(Type type, std::string_view rdata) {
  const RdataForm* form = form_of(type);
  if (form == nullptr) return std::string(rdata);
  std::string out;
  for_each_field(*form, as_bytes(rdata), [&](Field f, Bytes b) {
    out += f == Field::Name || f == PlainName ? lowered(b) : std::string(as_text(b));
  });
  return out;
}

std::optional<TargetAt> target_of(Type type, Bytes rdata) {
  size_t at = 0;
  if (type == Type::Mx)
    at = 2;
  else if (type == Type::Srv)
    at = 6;
  else if (type != Type::Ns && type != Type::Cname)
    return std::nullopt;
  return TargetAt{at, rdata.size() - at};
}

}  // namespace sluice::dns
