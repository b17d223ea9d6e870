// SPDX-License-Identifier: Apache-2.0
// Looking at a worker's connections from another thread.
#include "app/inspection.h"

#include <gtest/gtest.h>

#include <thread>

#include "support/tcp_room.h"

namespace sluice::test {
namespace {

using app::Inspection;
using namespace std::chrono_literals;

class Inspected : public Room {
 public:
  // What the worker says while the asker waits; the worker is this thread.
  std::optional<Inspection::Answer> ask(const Inspection::Question& q) {
    std::optional<Inspection::Answer> answer;
    std::atomic<bool> done = false;
    std::thread asker{[&] {
      answer = inspection.ask(q, 10s, [] {});
      done = true;
    }};
    for (turns = 0; !done; std::this_thread::yield()) turns += inspection.answer(host->room);
    asker.join();
    return answer;
  }
  void establish_many(uint16_t n) {
    tcp::Options o = small();
    o.connections = 1'000;
    o.half_open = 1'000;
    start(o);
    for (uint16_t i = 0; i < n; ++i) establish(static_cast<uint16_t>(1'000 + i));
    serve();
    sent();
  }

  Inspection inspection;
  int turns = 0;  // that had something to say
};

TEST_F(Inspected, all_connections_are_told_in_pages_that_follow_each_other) {
  establish_many(700);
  std::vector<uint16_t> seen;
  uint32_t from = 0;
  int pages = 0;
  for (; from != no_index; ++pages) {
    const auto a = ask({.from = from, .rows = 100});
    ASSERT_TRUE(a);
    EXPECT_LE(a->rows.size(), 100u);
    for (const auto& r : a->rows) seen.push_back(r.tuple.remote_port.v);
    from = a->next;
  }
  EXPECT_EQ(pages, 7);
  std::sort(seen.begin(), seen.end());
  ASSERT_EQ(seen.size(), 700u);
  for (uint16_t i = 0; i < 700; ++i) EXPECT_EQ(seen[i], 1'000 + i);
}

TEST_F(Inspected, an_answer_takes_several_turns_when_there_is_much_to_look_at) {
  establish_many(700);
  const auto a = ask({.rows = 1, .remote = IpAddr{Ip4Addr::of(203, 0, 113, 9)}});
  ASSERT_TRUE(a);
  EXPECT_TRUE(a->rows.empty());
  EXPECT_EQ(a->next, no_index);
  EXPECT_EQ(turns, 3) << "256 places each";
}

TEST_F(Inspected, a_question_chooses_by_state_peer_and_port) {
  establish_many(3);
  gets({.src = {1'001}, .seq = {101}, .ack = {}, .flags = wire::tcp_flag::rst});  // that one ends
  serve();
  const auto rows = [&](const Inspection::Question& q) { return ask(q)->rows.size(); };
  EXPECT_EQ(rows({.rows = 9}), 2u);
  EXPECT_EQ(rows({.rows = 9, .state = tcp::State::Established}), 2u);
  EXPECT_EQ(rows({.rows = 9, .state = tcp::State::CloseWait}), 0u);
  EXPECT_EQ(rows({.rows = 9, .remote = IpAddr{host_a}, .port = Port{80}}), 2u);
  EXPECT_EQ(rows({.rows = 9, .port = Port{81}}), 0u);
}

TEST_F(Inspected, one_place_is_told_with_what_its_connection_does) {
  establish_many(2);
  const auto a = ask({.from = 1, .places = 1});
  ASSERT_EQ(a->rows.size(), 1u);
  EXPECT_EQ(a->rows[0].place, 1u);
  EXPECT_EQ(a->rows[0].service, 7);
  EXPECT_EQ(a->rows[0].info.state, tcp::State::Established);
  EXPECT_GT(a->rows[0].info.cwnd, 0u);
  gets({.src = {1'000}, .seq = {101}, .ack = {}, .flags = wire::tcp_flag::rst});
  serve();
  EXPECT_TRUE(ask({.from = 0, .places = 1})->rows.empty()) << "nobody is there, and the next is not meant";
  EXPECT_TRUE(ask({.from = 77, .places = 1})->rows.empty());
}

TEST_F(Inspected, a_worker_that_does_not_answer_is_not_waited_for_and_its_late_answer_is_no_one_elses) {
  establish_many(1);
  EXPECT_FALSE(inspection.ask({.rows = 9}, 1ms, [] {}));
  EXPECT_FALSE(inspection.ask({.rows = 9}, 1ms, [] {})) << "the first question still lies there";
  EXPECT_TRUE(inspection.answer(host->room));
  EXPECT_FALSE(inspection.answer(host->room));
  const auto a = ask({.rows = 9, .port = Port{81}});
  ASSERT_TRUE(a);
  EXPECT_TRUE(a->rows.empty());
}

}  // namespace
}  // namespace sluice::test
