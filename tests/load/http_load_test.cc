// SPDX-License-Identifier: Apache-2.0
#include "app/load/http_load.h"

#include <gtest/gtest.h>

#include "load/virtual_load.h"

namespace sluice::load {
namespace {

class HttpLoadTest : public test::VirtualLoad {
 protected:
  explicit HttpLoadTest(bool four = true) : VirtualLoad{128, four} {
    server.plan.http.keepalive = true;
    plan.server = four ? IpAddr{test::us} : IpAddr{server6};
    plan.authority = "www.example.test";
    plan.target = "/";
    plan.connections = 8;
  }
  HttpLoad& make() {
    load = std::make_unique<HttpLoad>(plan, Sources{legs[0].addresses[0].addr, source_count}, *host);
    return *load;
  }
  uint64_t faults(Fault f) const { return load->tally.faults[static_cast<size_t>(f)]; }
  static Reference content(std::string_view s) { return Reference{{s.begin(), s.end()}}; }

  HttpPlan plan;
  std::unique_ptr<HttpLoad> load;
};

TEST_F(HttpLoadTest, a_closed_loop_keeps_every_connection_busy) {
  measure(make(), 100_ms);
  const Tally& t = load->tally;
  // A turn each way and one to answer: about 30 us a request and connection.
  EXPECT_GT(t.received, 8u * 2'000);
  EXPECT_EQ(t.all_faults(), 0u);
  EXPECT_EQ(t.octets, t.received * 6);
  EXPECT_EQ(t.latency.count(), t.received);
  EXPECT_GE(t.latency.quantile(0), 10'000u);
  EXPECT_LE(t.latency.max(), 100'000u);
  EXPECT_EQ(t.connections, 0u) << "nobody opened another connection";
  EXPECT_EQ(server.connections(), 0u) << "the server was left clean";
}

class HttpLoad6Test : public HttpLoadTest {
 protected:
  HttpLoad6Test() : HttpLoadTest{false} {}
};

TEST_F(HttpLoad6Test, connections_are_kept_busy_and_made_anew) {
  measure(make(), 10_ms);
  EXPECT_GT(load->tally.received, 8u * 200);
  EXPECT_EQ(load->tally.all_faults(), 0u);
  plan.requests = 1;
  measure(make(), 10_ms);
  EXPECT_GT(load->tally.received, 100u);
  EXPECT_EQ(load->tally.all_faults(), 0u);
  EXPECT_EQ(server.connections(), 0u) << "the server was left clean";
}

TEST_F(HttpLoadTest, pipelined_requests_are_under_way_together) {
  measure(make(), 50_ms);
  const uint64_t one = load->tally.received;
  plan.pipeline = 8;
  measure(make(), 50_ms);
  EXPECT_GT(load->tally.received, one * 4);
  EXPECT_EQ(load->tally.all_faults(), 0u);
}

TEST_F(HttpLoadTest, a_connection_for_each_request) {
  plan.requests = 1;
  measure(make(), 100_ms);
  const Tally& t = load->tally;
  EXPECT_GT(t.received, 1'000u);
  EXPECT_EQ(t.all_faults(), 0u);
  EXPECT_NEAR(static_cast<double>(t.connections), static_cast<double>(t.received), 16);
}

TEST_F(HttpLoadTest, a_few_requests_per_connection) {
  plan.requests = 5;
  plan.pipeline = 2;
  measure(make(), 100_ms);
  const Tally& t = load->tally;
  EXPECT_EQ(t.all_faults(), 0u);
  EXPECT_NEAR(static_cast<double>(t.connections) * 5, static_cast<double>(t.received), 60);
}

TEST_F(HttpLoadTest, contents_longer_than_a_window_are_compared_to_their_end) {
  plan.target = "/big";
  plan.reference = content(test::big_page());
  measure(make(), 100_ms);
  EXPECT_GT(load->tally.received, 100u);
  EXPECT_EQ(load->tally.all_faults(), 0u);
  EXPECT_EQ(load->tally.octets / load->tally.received, 20'000u);
}

TEST_F(HttpLoadTest, another_content_is_an_error) {
  for (const std::string_view wrong : {"hellO\n", "hello", "hello\n\n", ""}) {
    plan.reference = content(wrong);
    measure(make(), 20_ms);
    EXPECT_EQ(load->tally.received, 0u);
    EXPECT_GT(faults(Fault::wrong_body), 100u) << wrong;
  }
}

TEST_F(HttpLoadTest, another_status_is_an_error) {
  plan.target = "/nothing";
  measure(make(), 20_ms);
  EXPECT_EQ(load->tally.received, 0u);
  EXPECT_GT(faults(Fault::wrong_status), 100u);
  EXPECT_NE(load->trouble().find("404"), std::string::npos);
  plan.expect_status = 404;
  measure(make(), 20_ms);
  EXPECT_GT(load->tally.received, 100u);
  EXPECT_EQ(load->tally.all_faults(), 0u);
}

TEST_F(HttpLoadTest, a_refusal_is_told_by_its_name) {
  plan.port = Port{81};
  make();
  EXPECT_FALSE(get_ready(*load));
  EXPECT_EQ(load->trouble(), "connecting failed: refused");
}

TEST_F(HttpLoadTest, a_rate_is_kept_and_a_stall_is_felt_by_all_it_delayed) {
  plan.rate = 10'000;
  measure(make(), 100_ms);
  EXPECT_NEAR(static_cast<double>(load->tally.received), 1'000, 3);
  EXPECT_NEAR(static_cast<double>(load->tally.offered), 1'000, 2);
  EXPECT_LT(load->tally.latency.max(), 150'000u);

  make();
  ASSERT_TRUE(get_ready(*load));
  load->start(now);
  run(*load, 5_ms);
  load->tally.clear();
  load->measure(now);
  run(*load, 20_ms);
  now = now + 50_ms;  // nobody runs: 500 requests were due
  run(*load, 80_ms);
  load->stop(now);
  EXPECT_NEAR(static_cast<double>(load->tally.received), 1'500, 5);
  EXPECT_GT(load->tally.latency.max(), 49'000'000u);
  // A third of all were due in the stall, and waited 25 ms in the middle.
  EXPECT_NEAR(static_cast<double>(load->tally.latency.quantile(1 - 1.0 / 6)), 25e6, 2e6);
  while (load->leave(now)) {
  }
  run(*load, 10_ms);
}

TEST_F(HttpLoadTest, a_rate_with_a_connection_for_each_request) {
  plan.rate = 5'000;
  plan.requests = 1;
  measure(make(), 100_ms);
  EXPECT_NEAR(static_cast<double>(load->tally.received), 500, 3);
  EXPECT_NEAR(static_cast<double>(load->tally.connections), 500, 3);
  EXPECT_EQ(load->tally.all_faults(), 0u);
}

TEST_F(HttpLoadTest, connections_are_held_and_counted) {
  plan.hold = true;
  plan.connections = 50;
  measure(make(), 20_ms);
  EXPECT_EQ(load->held(), 50u);
  EXPECT_EQ(load->standing(), 0u) << "they were left";
  make();
  ASSERT_TRUE(get_ready(*load));
  load->start(now);
  run(*load, 20_ms);
  EXPECT_EQ(load->standing(), 50u);
  EXPECT_EQ(server.connections(), 50u);
  EXPECT_GT(load->opening_time().ns, 0);
  EXPECT_EQ(load->tally.sent, 0u);
  while (load->leave(now)) {
  }
  run(*load, 10_ms);
}

TEST_F(HttpLoadTest, uploads_are_sent_whole) {
  plan.upload = 100'000;
  plan.expect_status = 405;
  measure(make(), 100_ms);
  EXPECT_GT(load->tally.received, 10u);
  EXPECT_EQ(load->tally.all_faults(), 0u);
  EXPECT_EQ(load->tally.octets_out, load->tally.received * 100'000);
}

TEST_F(HttpLoadTest, who_refuses_is_told) {
  plan.port = {81};
  EXPECT_FALSE(get_ready(make(), 100_ms));
  EXPECT_NE(load->missing().find("refused"), std::string::npos) << load->missing();
  EXPECT_NE(load->missing().find("198.18.0.1:81"), std::string::npos);
  while (load->leave(now)) {
  }
}

TEST_F(HttpLoadTest, lost_frames_cost_time_and_no_answers) {
  Rng chance{5};
  plan.connections = 32;
  touched[0]->touch = [&](MutBytes) { return !chance.chance(0.01); };
  measure(make(), 2_s, 1_s);
  EXPECT_GT(load->tally.received, 1'000u);
  EXPECT_EQ(load->tally.all_faults(), 0u);
}

}  // namespace
}  // namespace sluice::load
