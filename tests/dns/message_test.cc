// SPDX-License-Identifier: Apache-2.0
#include "dns/message.h"

#include <gtest/gtest.h>

#include <vector>

#include "dns/edns.h"

namespace sluice::dns {
namespace {

TEST(Header, every_bit_is_read_from_its_place) {
  const uint8_t m[12] = {0x12, 0x34, 0xa5, 0xb3, 0, 1, 0, 2, 0, 3, 0, 4};
  const auto h = Header::parse(m);
  ASSERT_TRUE(h);
  EXPECT_EQ(h->id(), 0x1234);
  EXPECT_TRUE(h->qr() && h->aa() && h->rd() && h->ra());
  EXPECT_FALSE(h->tc());
  EXPECT_EQ(h->opcode(), Opcode::Notify);
  EXPECT_EQ(h->z(), 3);
  EXPECT_EQ(h->rcode(), Rcode::NxDomain);
  EXPECT_EQ(h->qdcount(), 1);
  EXPECT_EQ(h->ancount(), 2);
  EXPECT_EQ(h->nscount(), 3);
  EXPECT_EQ(h->arcount(), 4);
  EXPECT_EQ(Header::parse(Bytes{m}.first(11)).why(), Counter::dns_short);
}

TEST(Question, is_read_whole_or_refused) {
  const std::vector<uint8_t> m{1, 'a', 0, 0, 28, 0, 1};
  const auto q = read_question(m, 0);
  ASSERT_TRUE(q);
  EXPECT_EQ(q->name.text(), "a.");
  EXPECT_EQ(q->type, Type::Aaaa);
  EXPECT_EQ(q->qclass, Class::In);
  EXPECT_EQ(q->end, 7u);
  EXPECT_EQ(read_question(Bytes{m}.first(6), 0).why(), Counter::dns_bad_question);
  EXPECT_EQ(read_question(Bytes{m}.first(2), 0).why(), Counter::dns_bad_name);
}

TEST(RecordView, is_read_whole_or_refused_at_every_length) {
  const std::vector<uint8_t> m{1, 'a', 0, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 192, 0, 2, 1};
  const auto r = read_record(m, 0);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->type, Type::A);
  EXPECT_EQ(r->ttl, 3600u);
  EXPECT_EQ(r->rdata_at, 13u);
  EXPECT_EQ(r->rdata.size(), 4u);
  EXPECT_EQ(r->end, m.size());
  for (size_t n = 0; n < m.size(); ++n)
    EXPECT_EQ(read_record(Bytes{m}.first(n), 0).why(),
              n < 3 ? Counter::dns_bad_name : Counter::dns_bad_record)
        << n;
}

TEST(Edns, what_is_emitted_is_parsed_again) {
  std::vector<uint8_t> m(opt_len);
  Edns{1400, 0xab, 0, true}.emit(m.data());
  const auto r = read_record(m, 0);
  ASSERT_TRUE(r);
  ASSERT_EQ(r->type, Type::Opt);
  const auto e = Edns::parse(m, 0, *r);
  ASSERT_TRUE(e);
  EXPECT_EQ(e->udp_payload, 1400);
  EXPECT_EQ(e->extended_rcode, 0xab);
  EXPECT_EQ(e->version, 0);
  EXPECT_TRUE(e->dnssec_ok);
}

}  // namespace
}  // namespace sluice::dns
