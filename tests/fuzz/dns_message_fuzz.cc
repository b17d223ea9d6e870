// SPDX-License-Identifier: Apache-2.0
// Any bytes as a query to a small zone; what comes back must read as a message. The first two octets choose
// transport and room, the rest is the query.
#include <cstdlib>
#include <vector>

#include "dns/answer.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/zone_check.h"

namespace sluice::dns {
namespace {

constexpr const char* text = R"($TTL 3600
@ SOA ns1 host 1 7200 900 604800 300
@ NS ns1
@ NS ns.other.invalid.
@ MX 10 mail
@ TXT "a" "b"
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
mail A 192.0.2.25
w CNAME ns1
l CNAME m
m CNAME l
o CNAME x.other.invalid.
s CNAME h.sub
_h._t SRV 1 2 3 mail
a.b.c A 192.0.2.3
* CNAME w
*.b A 192.0.2.4
sub NS ns.sub
ns.sub A 192.0.2.53
t TYPE65280 \# 2 beef
)";

const Zones& zones() {
  static const Zones z = [] {
    Name apex;
    check(Name::parse("z.", Name{}, apex) == nullptr, "the apex is a name");
    Complaints complaints;
    auto zone = load_zone(text, "zone", apex, {}, {}, complaints);
    check(zone != nullptr, "the zone is sound");
    return Zones{{zone}};
  }();
  return z;
}

void check_name(Bytes m, size_t& at, size_t end) {
  const auto n = read_name(m, at);
  check(n && n->end <= end, "a name in the answer is sound");
  at = n->end;
}

void check_record(Bytes m, size_t& at) {
  const auto owner = read_name(m, at);
  const auto r = read_record(m, at);
  check(owner && r, "a record of the answer is sound");
  at = r->rdata_at;
  if (const RdataForm* form = r->type == Type::Opt ? nullptr : form_of(r->type)) {
    for (const Field f : form->fields) {
      if (f == Field::End) break;
      if (f == Field::Name || f == Field::PlainName) {
        check_name(m, at, r->end);
        continue;
      }
      const auto n = field_len(f, m.subspan(at, r->end - at));
      check(n.has_value(), "a field of the answer is sound");
      at += *n;
    }
    check(at == r->end, "rdata has the length it says");
  }
  at = r->end;
}

void check_answer(Bytes m, Bytes asked) {
  const auto h = Header::parse(m);
  check(h && h->qr() && !h->ra() && h->z() == 0, "the flags of an answer");
  check(m[0] == asked[0] && m[1] == asked[1] && h->opcode() == Header::parse(asked)->opcode(),
        "ID and opcode are the query's");
  size_t at = header_len;
  check(h->qdcount() <= 1, "at most one question");
  if (h->qdcount() == 1) {
    const auto q = read_question(m, at);
    check(static_cast<bool>(q), "the question is sound");
    at = q->end;
    check(at <= asked.size() && std::equal(&m[header_len], m.data() + at, &asked[header_len]),
          "the question is the query's");
  }
  for (unsigned n = h->ancount() + h->nscount() + h->arcount(); n > 0; --n) check_record(m, at);
  check(at == m.size(), "nothing behind the last record");
}

}  // namespace
}  // namespace sluice::dns

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  using namespace sluice::dns;
  if (size < 2) return 0;
  const Bytes asked{data + 2, size - 2};
  const Transport how{data[0] & 1 ? Transport::Kind::Tcp : Transport::Kind::Udp,
                      data[0] & 2 ? 4096u : data[1] * 8u};
  // Exactly as much memory as the answer may use, so that the sanitizer sees one octet too many.
  std::vector<uint8_t> buffer(std::max(asked.size(), how.max_size));
  std::copy(asked.begin(), asked.end(), buffer.begin());
  Counters count;
  const auto n = answer(zones(), buffer, asked.size(), how, count);
  if (!n) {
    check(std::equal(asked.begin(), asked.end(), buffer.begin()), "a dropped message is left alone");
    return 0;
  }
  check(*n <= how.max_size, "the answer fits the transport");
  check_answer(Bytes{buffer}.first(*n), asked);
  return 0;
}
