// SPDX-License-Identifier: Apache-2.0
#include "http/h1_conn.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "http/status.h"

namespace sluice::http {
namespace {

// A connection fed with parts of a text; what it said, as lines.
struct Fed {
  explicit Fed(const Options& o = {}) : options{o} {}
  ~Fed() {
    queue.clear();
    for (const auto& c : chunks) EXPECT_EQ(c->refs, 0u) << "a slice was leaked";
  }
  void feed(std::string_view part) {
    if (part.empty()) return;
    auto& text = *texts.emplace_back(std::make_unique<std::string>(part));
    auto& c = *chunks.emplace_back(std::make_unique<buf::Chunk>(buf::Chunk{
        .data = reinterpret_cast<uint8_t*>(text.data()), .size = static_cast<uint32_t>(text.size())}));
    ASSERT_TRUE(queue.push(buf::Slice{c, 0, c.size}));
    run();
  }
  void run() {
    for (;;) {
      Request r;
      switch (conn.next(queue, scratch, options, r)) {
        case H1Conn::Next::Wait:
          skipped += conn.skipped();
          return;
        case H1Conn::Next::Request:
          skipped += conn.skipped();
          said.push_back(std::string{r.method_name} + " " + std::string{r.target} +
                         (conn.last() ? " last" : ""));
          break;
        case H1Conn::Next::Refused:
          said.push_back("refused " + std::to_string(status_of(conn.why())));
          break;
        case H1Conn::Next::Broken:
          said.push_back("broken");
          break;
      }
    }
  }

  Options options;
  std::vector<std::unique_ptr<std::string>> texts;
  std::vector<std::unique_ptr<buf::Chunk>> chunks;
  buf::LinkPool links{4096};
  buf::ByteQueue queue{links};
  std::vector<uint8_t> scratch = std::vector<uint8_t>(65536);
  H1Conn conn;
  std::vector<std::string> said;
  uint64_t skipped = 0;
};

using Said = std::vector<std::string>;

struct Case {
  const char* claim;
  std::string in;
  Said said;
};

const std::string a = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", b = "HEAD /b HTTP/1.1\r\nHost: h\r\n\r\n";

const std::vector<Case>& cases() {
  static const std::vector<Case> table{
      {"pipelined requests come in order", a + b + a, {"GET /a", "HEAD /b", "GET /a"}},
      {"a stray empty line between requests is forgiven", a + "\r\n" + b, {"GET /a", "HEAD /b"}},
      {"close ends the connection",
       "GET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + a,
       {"GET /c last"}},
      {"1.0 ends the connection", "GET /c HTTP/1.0\r\n\r\n" + a, {"GET /c last"}},
      {"1.0 may ask to go on", "GET /c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + a, {"GET /c", "GET /a"}},
      {"content by length is no request",
       "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 28\r\n\r\n" + a + b,
       {"POST /p", "HEAD /b"}},
      {"content in chunks is no request",
       "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n" + a +
           "\r\n0\r\nT: x\r\n\r\n" + b,
       {"POST /p", "HEAD /b"}},
      {"nothing is read behind a broken head", "GET / HTTP/1.1\r\nHost : h\r\n\r\n" + a, {"refused 400"}},
      {"nothing is read behind length and chunks",
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + a,
       {"refused 400"}},
      {"a broken chunk ends the connection without a word",
       "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n" + a,
       {"POST /p", "broken"}},
      {"a broken head behind a good one", a + "GET\r\n\r\n", {"GET /a", "refused 400"}},
      {"an unfinished head says nothing", a + "GET /b HTTP/1.1\r\nHost: h\r\n", {"GET /a"}},
      {"garbage is refused before its line ends", "\x16\x03\x01", {"refused 400"}},
      {"a head over head_max", "GET /l HTTP/1.1\r\nHost: h\r\nX: " + std::string(1100, 'x'), {"refused 431"}},
      {"a target over target_max", "GET /" + std::string(300, 'x') + " HTTP/1.1\r\n", {"refused 414"}},
  };
  return table;
}

constexpr Options small{.head_max = 1024, .target_max = 256};

TEST(H1Conn, says_the_same_whole_and_at_every_split) {
  for (const Case& c : cases()) {
    Fed whole{small};
    whole.feed(c.in);
    EXPECT_EQ(whole.said, c.said) << c.claim;
    for (size_t cut = 1; cut < c.in.size(); ++cut) {
      Fed f{small};
      f.feed(std::string_view{c.in}.substr(0, cut));
      f.feed(std::string_view{c.in}.substr(cut));
      ASSERT_EQ(f.said, c.said) << c.claim << ", cut at " << cut;
    }
    Fed drip{small};
    for (const char& o : c.in) drip.feed({&o, 1});
    EXPECT_EQ(drip.said, c.said) << c.claim << ", octet by octet";
  }
}

TEST(H1Conn, octets_of_an_unfinished_head_stay_and_all_others_go) {
  Fed f;
  f.feed(a + "GET /b HT");
  EXPECT_EQ(f.queue.size(), 9u);
  f.feed("TP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(f.said, (Said{"GET /a", "GET /b"}));
  EXPECT_EQ(f.queue.size(), 0u);
}

TEST(H1Conn, what_comes_behind_the_last_request_is_dropped) {
  Fed f;
  f.feed("GET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + a);
  EXPECT_EQ(f.queue.size(), 0u);
  f.feed(a);
  EXPECT_EQ(f.queue.size(), 0u);
  EXPECT_EQ(f.said.size(), 1u);
}

TEST(H1Conn, content_is_dropped_as_it_comes_and_counted) {
  Fed f;
  f.feed("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234");
  EXPECT_TRUE(f.conn.in_body());
  EXPECT_EQ(f.queue.size(), 0u);
  f.feed("56789" + a);
  EXPECT_FALSE(f.conn.in_body());
  EXPECT_EQ(f.skipped, 10u);
  EXPECT_EQ(f.said.back(), "GET /a");
}

TEST(H1Conn, options_end_connections) {
  Fed one{Options{.requests_per_connection_max = 2}};
  one.feed(a + a + a);
  EXPECT_EQ(one.said, (Said{"GET /a", "GET /a last"}));
  Fed none{Options{.keepalive = false}};
  none.feed(a + a);
  EXPECT_EQ(none.said, (Said{"GET /a last"}));
}

TEST(H1Conn, a_thousand_pipelined_requests_in_slices_of_any_size) {
  std::string all;
  for (int i = 0; i < 1000; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  for (size_t slice : {1448u, 100u, 37u}) {
    Fed f;
    for (size_t at = 0; at < all.size(); at += slice) f.feed(std::string_view{all}.substr(at, slice));
    ASSERT_EQ(f.said.size(), 1000u);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(f.said[static_cast<size_t>(i)], "GET /" + std::to_string(i));
  }
}

}  // namespace
}  // namespace sluice::http
