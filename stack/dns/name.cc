// SPDX-License-Identifier: Apache-2.0
#include "dns/name.h"

#include <algorithm>
#include <cstdio>

namespace sluice::dns {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// One octet of a label as text, or an escape. Moves `i` past it. Null, or what is wrong.
const char* unescape(std::string_view text, size_t& i, uint8_t& out) {
  if (text[i] != '\\') {
    out = static_cast<uint8_t>(text[i++]);
    return nullptr;
  }
  if (++i == text.size()) return "a backslash with nothing after it";
  if (!is_digit(text[i])) {
    out = static_cast<uint8_t>(text[i++]);
    return nullptr;
  }
  if (text.size() - i < 3 || !is_digit(text[i + 1]) || !is_digit(text[i + 2]))
    return "an escape \\DDD needs three digits";
  const int v = (text[i] - '0') * 100 + (text[i + 1] - '0') * 10 + (text[i + 2] - '0');
  if (v > 255) return "an escape \\DDD above 255";
  out = static_cast<uint8_t>(v);
  i += 3;
  return nullptr;
}

bool needs_backslash(uint8_t c) {
  return std::string_view{".\\\"();@$"}.find(static_cast<char>(c)) != std::string_view::npos;
}

}  // namespace

bool Name::append_label(Bytes label) {
  if (label.empty() || label.size() > max_label_len || len_ + label.size() + 1 > max_name_len) return false;
  wire_[len_ - 1] = static_cast<uint8_t>(label.size());
  std::memcpy(wire_.data() + len_, label.data(), label.size());
  len_ = static_cast<uint8_t>(len_ + label.size() + 1);
  wire_[len_ - 1] = 0;
  return true;
}

const char* Name::parse(std::string_view text, const Name& origin, Name& out) {
  out = Name{};
  if (text.empty()) return "an empty name";
  if (text == "@") {
    out = origin;
    return nullptr;
  }
  if (text == ".") return nullptr;
  std::array<uint8_t, max_label_len> label;
  for (size_t i = 0; i < text.size();) {
    size_t n = 0;
    while (i < text.size() && text[i] != '.') {
      if (n == label.size()) return "a label longer than 63 octets";
      if (const char* wrong = unescape(text, i, label[n++])) return wrong;
    }
    if (n == 0) return "an empty label";
    if (!out.append_label({label.data(), n})) return "a name longer than 255 octets";
    if (i == text.size()) {  // no final dot: relative to the origin
      if (out.len() + origin.len() - 1 > max_name_len) return "a name longer than 255 octets with its origin";
      std::memcpy(out.wire_.data() + out.len_ - 1, origin.wire_.data(), origin.len_);
      out.len_ = static_cast<uint8_t>(out.len_ - 1 + origin.len_);
      return nullptr;
    }
    ++i;  // the dot
  }
  return nullptr;
}

Name Name::from_wire(Bytes wire) {
  Name n;
  check(!wire.empty() && wire.size() <= max_name_len && wire.back() == 0, "an uncompressed wire name");
  std::memcpy(n.wire_.data(), wire.data(), wire.size());
  n.len_ = static_cast<uint8_t>(wire.size());
  return n;
}

std::string Name::text() const {
  if (is_root()) return ".";
  std::string s;
  for (size_t at = 0; wire_[at] != 0; at += 1u + wire_[at]) {
    for (size_t i = 1; i <= wire_[at]; ++i) {
      const uint8_t c = wire_[at + i];
      if (c <= ' ' || c >= 0x7f) {
        char ddd[5];
        std::snprintf(ddd, sizeof ddd, "\\%03u", static_cast<unsigned>(c));
        s += ddd;
        continue;
      }
      if (needs_backslash(c)) s += '\\';
      s += static_cast<char>(c);
    }
    s += '.';
  }
  return s;
}

unsigned Name::labels() const {
  unsigned n = 0;
  for (size_t at = 0; wire_[at] != 0; at += 1u + wire_[at]) ++n;
  return n;
}

Name Name::parent() const { return is_root() ? *this : from_wire(wire().subspan(1u + wire_[0])); }

Name Name::lowered() const {
  Name n = *this;
  for (size_t i = 0; i < n.len_; ++i) n.wire_[i] = lower(n.wire_[i]);
  return n;
}

bool Name::within(const Name& zone) const {
  for (size_t at = 0;; at += 1u + wire_[at]) {
    if (len_ - at == zone.len_) return from_wire(wire().subspan(at)) == zone;
    if (len_ - at < zone.len_) return false;
  }
}

bool operator==(const Name& a, const Name& b) {
  return std::ranges::equal(a.wire(), b.wire(), {}, lower, lower);
}

Result<ReadName> read_name(Bytes message, size_t at) {
  ReadName r{{}, 0};
  size_t began = at;  // where the labels now being read began; a pointer must go before it
  for (;;) {
    if (at >= message.size()) return Counter::dns_bad_name;
    const uint8_t n = message[at];
    if (n == 0) {
      if (r.end == 0) r.end = at + 1;
      return r;
    }
    if (n <= max_label_len) {
      if (message.size() - at < 1u + n || !r.name.append_label(message.subspan(at + 1, n)))
        return Counter::dns_bad_name;
      at += 1u + n;
      continue;
    }
    if (n < 0xc0 || message.size() - at < 2) return Counter::dns_bad_name;  // 01 and 10: RFC 6891 §5
    const size_t to = load_be<uint16_t>(&message[at]) & 0x3fffu;
    if (to >= began) return Counter::dns_bad_name;
    if (r.end == 0) r.end = at + 2;
    began = at = to;
  }
}

Result<size_t> skip_name(Bytes message, size_t at) {
  for (const size_t began = at; at < message.size() && at - began < max_name_len;) {
    const uint8_t n = message[at];
    if (n == 0) return at + 1;
    if (n >= 0xc0) {
      if (message.size() - at < 2) return Counter::dns_bad_name;
      return at + 2;
    }
    if (n > max_label_len) return Counter::dns_bad_name;
    at += 1u + n;
  }
  return Counter::dns_bad_name;
}

std::string lowered(Bytes wire_name) {
  std::string s(as_text(wire_name));
  for (char& c : s) c = static_cast<char>(lower(static_cast<uint8_t>(c)));
  return s;
}

}  // namespace sluice::dns
