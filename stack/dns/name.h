// SPDX-License-Identifier: Apache-2.0
// Domain names: wire format with compression, and the text people write. RFC 1035 §2.3.4, §3.1, §4.1.4, §5.1.
// Comparison ignores the case of ASCII letters (RFC 4343). Knows no record and no zone.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace sluice::dns {

constexpr size_t max_name_len = 255;  // octets on the wire, the root's zero octet included
constexpr size_t max_label_len = 63;  // octets of one label
constexpr size_t max_labels = 127;    // of one name, the root not counted

constexpr uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? static_cast<uint8_t>(c | 0x20) : c; }

// An absolute name, uncompressed, in its own storage of 256 octets; letters keep the case they came in.
class Name {
 public:
  Name() { wire_[0] = 0; }  // the root
  Name(const Name& o) : len_{o.len_} { std::memcpy(wire_.data(), o.wire_.data(), len_); }
  Name& operator=(const Name& o) {
    len_ = o.len_;
    std::memmove(wire_.data(), o.wire_.data(), len_);
    return *this;
  }

  // Reads the text of RFC 1035 §5.1 (escapes \X and \DDD; "@" is `origin`; a name without a final dot ends in
  // `origin`) into `out`. Null, or what is wrong; `out` is then unspecified.
  static const char* parse(std::string_view text, const Name& origin, Name& out);
  // The name that `wire` is, from first octet to last; the caller has proved that it is one, uncompressed.
  static Name from_wire(Bytes wire);

  // Absolute, with the final dot; what is neither printable nor plain is escaped.
  std::string text() const;
  Bytes wire() const { return {wire_.data(), len_}; }
  size_t len() const { return len_; }
  bool is_root() const { return len_ == 1; }
  unsigned labels() const;  // 0 for the root
  // Without the first label; the root's parent is the root.
  Name parent() const;
  Name lowered() const;
  // True for `zone` itself and every name below it.
  bool within(const Name& zone) const;

  // Appends one label in front of the root. False, and unchanged, when it is empty, too long, or the name
  // would be.
  bool append_label(Bytes label);

  friend bool operator==(const Name& a, const Name& b);

 private:
  uint8_t len_ = 1;
  std::array<uint8_t, max_name_len> wire_;  // uninitialised beyond len_ on purpose
};

struct ReadName {
  Name name;
  size_t end;  // offset of the first octet after the name, where it stands in the message
};

// Reads the name at `at`, following compression. A pointer must point before the place where the name read so
// far began, so that every chain ends (RFC 1035 §4.1.4: "a prior occurrence"). Counter::dns_bad_name
// otherwise.
Result<ReadName> read_name(Bytes message, size_t at);

// The offset after the name at `at`, without following pointers; checks only that it stays inside.
Result<size_t> skip_name(Bytes message, size_t at);

// Lower-cased octets of an uncompressed wire name. Length octets are below 'A', so the whole name is folded
// alike.
std::string lowered(Bytes wire_name);

}  // namespace sluice::dns
