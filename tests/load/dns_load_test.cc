// SPDX-License-Identifier: Apache-2.0
#include "app/load/dns_load.h"

#include <gtest/gtest.h>

#include <sstream>

#include "load/virtual_load.h"

namespace sluice::load {
namespace {

class DnsLoadTest : public test::VirtualLoad {
 protected:
  explicit DnsLoadTest(bool four = true) : VirtualLoad{64, four} {
    plan.server = plan.next_hop = four ? IpAddr{test::us} : IpAddr{server6};
    plan.outstanding = 32;
    ask("www.example.test A\nns1.example.test A\nx.wild.example.test TXT\n");
  }
  void ask(const std::string& text) {
    queries = {};
    std::istringstream in{text};
    std::string wrong;
    ASSERT_TRUE(queries.read(in, "queries", wrong)) << wrong;
  }
  DnsLoad& make() {
    load = std::make_unique<DnsLoad>(plan, queries, *touched[0], legs[0].caps.mac,
                                     Sources{legs[0].addresses[0].addr, source_count}, *host,
                                     test::packet_pool());
    return *load;
  }
  uint64_t faults(Fault f) const { return load->tally.faults[static_cast<size_t>(f)]; }
  // Answers, as they come back, but none of the ARP between.
  void touch_answers(std::function<bool(MutBytes)> f) {
    touched[0]->touch = [f = std::move(f)](MutBytes b) { return b[12] != 8 || b[13] != 0 || f(b); };
  }

  DnsPlan plan;
  Queries queries;
  std::unique_ptr<DnsLoad> load;
};

TEST_F(DnsLoadTest, a_closed_loop_keeps_its_number_under_way) {
  measure(make(), 50_ms);
  const Tally& t = load->tally;
  EXPECT_GT(t.received, 32u * 1'000);
  EXPECT_EQ(t.all_faults() + t.corrupted + t.strange, 0u);
  EXPECT_NEAR(static_cast<double>(t.sent), static_cast<double>(t.received), 32);
  EXPECT_EQ(t.latency.count(), t.received);
}

class DnsLoad6Test : public DnsLoadTest {
 protected:
  DnsLoad6Test() : DnsLoadTest{false} {}
};

TEST_F(DnsLoad6Test, asks_and_is_answered) {
  measure(make(), 5_ms);
  EXPECT_GT(load->tally.received, 32u * 100);
  EXPECT_EQ(load->tally.all_faults() + load->tally.corrupted + load->tally.strange, 0u);
}

TEST_F(DnsLoad6Test, an_answer_without_a_checksum_is_damaged) {
  plan.timeout = 2_ms;
  touched[0]->touch = [](MutBytes b) {
    if (b[12] == 0x86 && b[20] == 17) b[60] = b[61] = 0;
    return true;
  };
  measure(make(), 10_ms);
  EXPECT_EQ(load->tally.received, 0u);
  EXPECT_GT(load->tally.corrupted, 100u);
}

TEST_F(DnsLoadTest, a_rate_is_kept) {
  plan.rate = 20'000;
  plan.outstanding = 1'000;
  measure(make(), 100_ms);
  EXPECT_NEAR(static_cast<double>(load->tally.received), 2'000, 3);
  EXPECT_NEAR(static_cast<double>(load->tally.offered), 2'000, 2);
  EXPECT_LT(load->tally.latency.max(), 100'000u);
}

TEST_F(DnsLoadTest, codes_and_numbers_of_answers_are_checked) {
  ask("nothing.example.test A\n");
  measure(make(), 5_ms);
  EXPECT_GT(load->tally.received, 100u) << "NXDOMAIN is an answer";
  EXPECT_EQ(load->tally.all_faults(), 0u);

  plan.expect_rcode = 0;
  measure(make(), 5_ms);
  EXPECT_EQ(load->tally.received, 0u);
  EXPECT_GT(faults(Fault::wrong_rcode), 100u);
  EXPECT_NE(load->trouble().find('3'), std::string::npos);

  ask("elsewhere.test A\n");  // REFUSED
  plan.expect_rcode = -1;
  measure(make(), 5_ms);
  EXPECT_GT(faults(Fault::wrong_rcode), 100u);

  ask("a.example.test A\n");  // an alias and what it points to: two records
  plan.expect_answers = 2;
  measure(make(), 5_ms);
  EXPECT_GT(load->tally.received, 100u);
  plan.expect_answers = 1;
  measure(make(), 5_ms);
  EXPECT_GT(faults(Fault::wrong_answers), 100u);
}

TEST_F(DnsLoadTest, an_answer_to_another_question_is_none) {
  touch_answers([](MutBytes b) {  // a letter of the name, and the checksum that goes with it
    b[14 + 20 + 8 + 12 + 2] ^= 0x01;
    b[14 + 20 + 6] = b[14 + 20 + 7] = 0;
    return true;
  });
  measure(make(), 5_ms);
  EXPECT_EQ(load->tally.received, 0u);
  EXPECT_GT(faults(Fault::wrong_question), 100u);
}

TEST_F(DnsLoadTest, a_damaged_answer_is_no_answer) {
  plan.timeout = 2_ms;
  touch_answers([](MutBytes b) { return b[50] ^= 0x20, true; });
  measure(make(), 20_ms);
  EXPECT_EQ(load->tally.received, 0u);
  EXPECT_GT(load->tally.corrupted, 100u);
  EXPECT_GT(faults(Fault::timeout), 100u);
}

TEST_F(DnsLoadTest, lost_answers_are_timeouts_and_the_loop_goes_on) {
  Rng chance{3};
  uint64_t lost = 0;
  plan.timeout = 2_ms;
  touch_answers([&](MutBytes) { return !chance.chance(0.05) || (++lost, false); });
  measure(make(), 50_ms);
  EXPECT_GT(load->tally.received, 5'000u);
  EXPECT_GT(faults(Fault::timeout), 100u);
  EXPECT_NEAR(static_cast<double>(faults(Fault::timeout)), static_cast<double>(lost),
              0.2 * static_cast<double>(lost));
}

TEST_F(DnsLoadTest, an_answer_that_comes_twice_counts_once) {
  touched[0]->again = true;
  measure(make(), 10_ms);
  EXPECT_EQ(load->tally.all_faults(), 0u);
  EXPECT_NEAR(static_cast<double>(load->tally.strange), static_cast<double>(load->tally.received), 64);
  EXPECT_NEAR(static_cast<double>(load->tally.sent), static_cast<double>(load->tally.received), 64);
}

TEST_F(DnsLoadTest, more_than_one_id_space_under_way) {
  plan.outstanding = 70'000;
  plan.rate = 0;
  touch_answers([](MutBytes) { return false; });
  plan.timeout = 10_s;
  ASSERT_TRUE(get_ready(make()));
  load->start(now);
  run(*load, 15_ms);
  EXPECT_EQ(load->tally.sent, 70'000u);
  touched[0]->touch = {};
  load->stop(now);
}

}  // namespace
}  // namespace sluice::load
