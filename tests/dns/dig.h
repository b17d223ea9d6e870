// SPDX-License-Identifier: Apache-2.0
// Asks answer() a question and shows what came back as one line of text, by reading the message anew: a
// second opinion on every length, count and pointer. Used by the tests of this room.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "dns/answer.h"
#include "dns/edns.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/zone_check.h"

namespace sluice::dns::test {

inline Name name(std::string_view text) {
  Name n;
  const char* wrong = Name::parse(text, Name{}, n);
  EXPECT_EQ(wrong, nullptr) << text;
  return n;
}

inline std::shared_ptr<const Zone> zone(std::string_view apex, std::string_view text,
                                        const Loader& load = {}) {
  Complaints c;
  auto z = load_zone(text, "zone", name(apex), load, {}, c);
  for (const Complaint& one : c.list())
    if (one.weight == Complaint::Weight::Error) ADD_FAILURE() << one.text();
  return z;
}

struct Ask {
  std::string_view name;
  Type type = Type::A;
  Class qclass = Class::In;
  int edns_size = -1;  // -1: no OPT
  uint8_t edns_version = 0;
  bool dnssec_ok = false;
  bool rd = true;
  Opcode opcode = Opcode::Query;
  Transport how{};
};

inline std::vector<uint8_t> query(const Ask& a) {
  std::vector<uint8_t> m(header_len, 0);
  store_be<uint16_t>(&m[0], 0xbeef);
  m[2] = static_cast<uint8_t>(static_cast<uint8_t>(a.opcode) << 3 | (a.rd ? 1 : 0));
  m[5] = 1;
  const Name n = name(a.name);
  m.insert(m.end(), n.wire().begin(), n.wire().end());
  m.resize(m.size() + 4);
  store_be(&m[m.size() - 4], static_cast<uint16_t>(a.type));
  store_be(&m[m.size() - 2], static_cast<uint16_t>(a.qclass));
  if (a.edns_size >= 0) {
    m[11] = 1;
    m.resize(m.size() + opt_len);
    Edns{static_cast<uint16_t>(a.edns_size), 0, a.edns_version, a.dnssec_ok}.emit(&m[m.size() - opt_len]);
  }
  return m;
}

// "unsound: ..." wherever the message is not well-formed.
class Reading {
 public:
  explicit Reading(Bytes m) : m_{m} {}

  std::string all() {
    const auto h = Header::parse(m_);
    if (!h) return "unsound: header";
    std::string s;
    at_ = header_len;
    for (int i = 0; i < h->qdcount(); ++i) {
      const auto q = read_question(m_, at_);
      if (!q) return "unsound: question";
      at_ = q->end;
    }
    const uint16_t counts[] = {h->ancount(), h->nscount(), h->arcount()};
    std::string sections;
    for (const uint16_t n : counts) {
      sections += " |";
      for (int i = 0; i < n; ++i)
        if (!record(sections)) return std::string("unsound: record at ") + std::to_string(at_);
    }
    if (at_ != m_.size()) return "unsound: octets behind the end";
    static constexpr const char* rcodes[] = {"noerror",  "formerr", "servfail",
                                             "nxdomain", "notimp",  "refused"};
    const auto rcode = (edns_ ? edns_->extended_rcode << 4 : 0) | static_cast<int>(h->rcode());
    s = rcode < 6 ? rcodes[rcode] : rcode == 16 ? "badvers" : "?";
    if (h->aa()) s += " aa";
    if (h->tc()) s += " tc";
    if (!h->qr() || h->ra() || h->z() != 0) s += " unsound: flags";
    if (edns_) s += std::string(" opt") + std::to_string(edns_->udp_payload) + (edns_->dnssec_ok ? "do" : "");
    while (sections.ends_with(" |")) sections.resize(sections.size() - 2);
    return s + sections;
  }

 private:
  bool record(std::string& s) {
    const auto owner = read_name(m_, at_);
    const auto r = read_record(m_, at_);
    if (!owner || !r) return false;
    const size_t owner_at = at_;
    at_ = r->end;
    if (r->type == Type::Opt) {
      const auto e = Edns::parse(m_, owner_at, *r);
      if (!e || edns_) return false;
      edns_ = *e;
      return true;
    }
    if (r->rclass != Class::In) return false;
    s += ' ' + owner->name.text() + std::string(" ") + std::to_string(r->ttl) + ' ' + type_text(r->type);
    return rdata(*r, s) && (s += ',', true);
  }

  bool rdata(const RecordView& r, std::string& s) {
    const RdataForm* form = form_of(r.type);
    size_t at = r.rdata_at;
    if (form != nullptr) {
      for (const Field f : form->fields) {
        if (f == Field::End) break;
        if (!field(f, at, r.end, s)) return false;
      }
    } else {
      s += std::string(" #") + std::to_string(r.rdata.size());
      at = r.end;
    }
    return at == r.end;
  }

  bool field(Field f, size_t& at, size_t end, std::string& s) {
    if (f == Field::Name || f == Field::PlainName) {
      const auto n = read_name(m_, at);
      if (!n || n->end > end) return false;
      if (f == Field::PlainName && n->end - at != n->name.len()) return false;  // must not be compressed
      s += std::string(" ") + n->name.text();
      at = n->end;
      return true;
    }
    const auto len = field_len(f, m_.subspan(at, end - at));
    if (!len) return false;
    const uint8_t* p = &m_[at];
    at += *len;
    char text[INET6_ADDRSTRLEN] = "";
    switch (f) {
      case Field::U8:
        s += std::string(" ") + std::to_string(*p);
        break;
      case Field::U16:
        s += std::string(" ") + std::to_string(load_be<uint16_t>(p));
        break;
      case Field::U32:
      case Field::Period:
        s += std::string(" ") + std::to_string(load_be<uint32_t>(p));
        break;
      case Field::Ip4:
        s += std::string(" ") + std::string(inet_ntop(AF_INET, p, text, sizeof text));
        break;
      case Field::Ip6:
        s += std::string(" ") + std::string(inet_ntop(AF_INET6, p, text, sizeof text));
        break;
      default:
        s += std::string(" #") + std::to_string(*len);
    }
    return true;
  }

  Bytes m_;
  size_t at_ = 0;
  std::optional<Edns> edns_;
};

struct Answered {
  std::vector<uint8_t> message;
  std::string text;
};

inline Answered answered(const Zones& zones, const Ask& a, Counters& count) {
  std::vector<uint8_t> m = query(a);
  const std::vector<uint8_t> asked = m;
  const size_t len = m.size();
  m.resize(65535);
  const auto n = answer(zones, m, len, a.how, count);
  if (!n) return {{}, std::string("dropped: ") + (counter_table()[static_cast<size_t>(n.why())].labels[3])};
  m.resize(*n);
  const size_t question = header_len + name(a.name).len() + 4;
  EXPECT_TRUE(std::equal(&asked[header_len], asked.data() + question, &m[header_len]))
      << "question not echoed";
  EXPECT_EQ(m[0] << 8 | m[1], 0xbeef);
  EXPECT_EQ(Header::parse(m)->rd(), a.rd);
  EXPECT_EQ(Header::parse(m)->opcode(), a.opcode);
  return {m, Reading{m}.all()};
}

// "rcode flags | answers | authority | additional": records end in commas, empty sections at the end are left
// out.
inline std::string ask(const Zones& zones, const Ask& a) {
  Counters count;
  return answered(zones, a, count).text;
}

}  // namespace sluice::dns::test
