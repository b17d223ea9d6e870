// SPDX-License-Identifier: Apache-2.0
// DNS messages as views: header, questions, records. RFC 1035 §4. Reads either direction; knows no zone and
// no EDNS.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "dns/name.h"
#include "dns/types.h"

namespace sluice::dns {

constexpr size_t header_len = 12;         // octets
constexpr size_t udp_plain_max = 512;     // octets of a UDP message without EDNS, RFC 1035 §4.2.1
constexpr size_t message_max = 65535;     // octets of any message, RFC 1035 §4.2.2
constexpr size_t pointer_reach = 0x4000;  // a compression pointer points below this offset

// The header of a message of at least 12 octets. Accessors cannot fail.
class Header {
 public:
  // Counter::dns_short when there is no whole header.
  static Result<Header> parse(Bytes message) {
    if (message.size() < header_len) return Counter::dns_short;
    return Header{message};
  }
  uint16_t id() const { return load_be<uint16_t>(p_); }
  bool qr() const { return p_[2] & 0x80; }
  Opcode opcode() const { return static_cast<Opcode>(p_[2] >> 3 & 0x0f); }
  bool aa() const { return p_[2] & 0x04; }
  bool tc() const { return p_[2] & 0x02; }
  bool rd() const { return p_[2] & 0x01; }
  bool ra() const { return p_[3] & 0x80; }
  uint8_t z() const { return p_[3] >> 4 & 0x07; }  // Z, AD, CD
  Rcode rcode() const { return static_cast<Rcode>(p_[3] & 0x0f); }
  uint16_t qdcount() const { return load_be<uint16_t>(p_ + 4); }
  uint16_t ancount() const { return load_be<uint16_t>(p_ + 6); }
  uint16_t nscount() const { return load_be<uint16_t>(p_ + 8); }
  uint16_t arcount() const { return load_be<uint16_t>(p_ + 10); }

 private:
  explicit Header(Bytes message) : p_{message.data()} {}
  const uint8_t* p_;
};

struct Question {
  Name name;
  Type type;
  Class qclass;
  size_t end;  // offset after it
};

// The question at `at`. Counter::dns_bad_name or dns_bad_question.
inline Result<Question> read_question(Bytes message, size_t at) {
  auto n = read_name(message, at);
  if (!n) return n.why();
  if (message.size() - n->end < 4) return Counter::dns_bad_question;
  const uint8_t* p = message.data() + n->end;
  return Question{n->name, static_cast<Type>(load_be<uint16_t>(p)),
                  static_cast<Class>(load_be<uint16_t>(p + 2)), n->end + 4};
}

// What follows a record's owner; the rdata is a part of the message and may hold compressed names.
struct RecordView {
  Type type;
  Class rclass;
  uint32_t ttl;     // seconds
  size_t rdata_at;  // offset of the rdata in the message
  Bytes rdata;
  size_t end;  // offset after the record
};

// The record at `at`, its owner skipped (read_name(message, at) reads it). Counter::dns_bad_name or
// dns_bad_record.
inline Result<RecordView> read_record(Bytes message, size_t at) {
  auto owner_end = skip_name(message, at);
  if (!owner_end) return owner_end.why();
  const size_t fixed = *owner_end;
  if (message.size() - fixed < 10) return Counter::dns_bad_record;
  const uint8_t* p = message.data() + fixed;
  const size_t rdlen = load_be<uint16_t>(p + 8), rdata_at = fixed + 10;
  if (message.size() - rdata_at < rdlen) return Counter::dns_bad_record;
  return RecordView{static_cast<Type>(load_be<uint16_t>(p)),
                    static_cast<Class>(load_be<uint16_t>(p + 2)),
                    load_be<uint32_t>(p + 4),
                    rdata_at,
                    message.subspan(rdata_at, rdlen),
                    rdata_at + rdlen};
}

}  // namespace sluice::dns
