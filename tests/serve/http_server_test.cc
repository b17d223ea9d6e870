// SPDX-License-Identifier: Apache-2.0
#include "serve/http_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "serve/services.h"
#include "support/eal.h"

namespace sluice::serve {
namespace {

constexpr int64_t modified = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT
constexpr int64_t today = 951782400;     // Tue, 29 Feb 2000 00:00:00 GMT

std::string big_file() {  // 2.5 pieces, no period that a wrong offset could hide in
  std::string s(5 * buf::ContentMemory::piece / 2, '\0');
  uint32_t x = 1;
  for (char& c : s) c = static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  return s;
}

std::shared_ptr<const Sites> sites() {
  test::start_eal();
  static const auto all = [] {
    auto s = std::make_shared<Sites>();
    auto first = std::make_unique<Content>(), second = std::make_unique<Content>();
    check(first->add_file("/index.html", "text/html; charset=utf-8", as_bytes("hello, world\n"), modified),
          "memory");
    first->alias("/", "/index.html");
    check(first->add_file("/empty", "text/plain", {}, modified), "memory");
    check(first->add_file("/big", "application/octet-stream", as_bytes(big_file()), modified), "memory");
    check(first->add("/dir", 301, "Location: /dir/\r\n", ""), "memory");
    check(second->add_file("/", "text/plain", as_bytes("second"), modified), "memory");
    s->add({"www.example.test"}, std::move(first));
    s->add({"Two.Example.Test", "[2001:2::1]"}, std::move(second));
    check(s->ok(), "memory");
    return s;
  }();
  return all;
}

// One worker's services and the peers that talk to them.
struct Fixture : testing::Test {
  Fixture() { start({}); }
  void start(const http::Options& o, uint32_t link_count = 4096) {
    peers.clear();
    services.reset();
    links = std::make_unique<buf::LinkPool>(link_count);
    services = std::make_unique<Services>(8, chunks, count);
    service = services->add_http(sites(), o);
    services->date(today);
  }
  ~Fixture() override {
    peers.clear();
    services.reset();
    EXPECT_EQ(chunks.free(), chunks.size()) << "a chunk was leaked";
  }

  struct Peer {
    Peer(Fixture& of, uint32_t index) : f{of}, id{index, ++of.generation}, in{*of.links}, out{*of.links} {
      call(buf::stream_event::opened);
    }
    void call(uint8_t events) {
      buf::Stream s{.id = id, .service = f.service, .events = events, .received = in, .sending = out};
      s.send_room = room > out.size() ? room - out.size() : 0;
      const size_t before = out.size();
      f.services->on_stream(s, f.now);
      EXPECT_LE(out.size() - before, s.send_room) << "more than there was room for";
      wants = s.want_writable;
      closed |= s.close;
      aborted |= s.abort;
    }
    Peer& says(std::string_view text, uint8_t more = 0) {
      while (!text.empty()) {
        const std::string_view part = text.substr(0, 1400);
        buf::Packet p = test::packet_of(as_bytes(part));
        check(in.push(buf::Slice{std::move(p), 0, static_cast<uint32_t>(part.size())}), "links");
        text.remove_prefix(part.size());
      }
      call(buf::stream_event::readable | more);
      return *this;
    }
    // All that was sent, taken as fast as `step` octets at a time are acknowledged.
    std::string takes(size_t step = SIZE_MAX) {
      std::string all;
      for (;;) {
        const size_t n = std::min(step, out.size());
        std::string part(n, '\0');
        out.copy(0, {reinterpret_cast<uint8_t*>(part.data()), n});
        out.consume(n);
        all += part;
        if (n == 0 && !wants) return all;
        if (wants) call(buf::stream_event::writable);
      }
    }
    Fixture& f;
    buf::StreamId id;
    buf::ByteQueue in, out;
    size_t room = 1 << 20;
    bool wants = false, closed = false, aborted = false;
  };
  Peer& peer(uint32_t index = 0) { return *peers.emplace_back(std::make_unique<Peer>(*this, index)); }
  // Time passes; streams whose time is over are called.
  void passes(Duration d) {
    now = now + d;
    buf::StreamId due[8];
    const size_t n = services->expire(now, due);
    for (size_t i = 0; i < n; ++i)
      for (auto& p : peers)
        if (p->id == due[i]) p->call(0);
  }

  Counters count;
  buf::ChunkPool chunks{(test::start_eal(), 16u)};
  std::unique_ptr<buf::LinkPool> links;
  std::unique_ptr<Services> services;
  std::vector<std::unique_ptr<Peer>> peers;
  uint16_t service = 0;
  uint32_t generation = 0;
  Instant now{1'000'000'000};
};
using HttpServerTest = Fixture;

std::string request(const std::string& line, const std::string& fields = "") {
  return line + " HTTP/1.1\r\nHost: www.example.test\r\n" + fields + "\r\n";
}
const std::string ok_head =
    "HTTP/1.1 200 OK\r\nDate: Tue, 29 Feb 2000 00:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\n"
    "Content-Length: 13\r\nX-Content-Type-Options: nosniff\r\nETag: ";

TEST_F(HttpServerTest, a_file_is_served_with_its_head) {
  Peer& p = peer();
  const std::string answer = p.says(request("GET /")).takes();
  EXPECT_TRUE(answer.starts_with(ok_head)) << answer;
  EXPECT_TRUE(answer.ends_with("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nhello, world\n"))
      << answer;
  EXPECT_FALSE(p.closed);
  EXPECT_EQ(count[Counter::http_status_200], 1u);
  EXPECT_EQ(count[Counter::http_method_get], 1u);
  EXPECT_EQ(count[Counter::http_bytes_out], answer.size());
}

TEST_F(HttpServerTest, pipelined_answers_come_in_order_and_head_has_no_content) {
  Peer& p = peer();
  const std::string answer =
      p.says(request("HEAD /") + request("GET /empty") + request("GET /none") + request("GET /")).takes();
  size_t at = 0;
  for (const char* part : {"HTTP/1.1 200 OK\r\n", "Content-Length: 13\r\n", "\r\n\r\nHTTP/1.1 200 OK\r\n",
                           "Content-Length: 0\r\n", "\r\n\r\nHTTP/1.1 404 Not Found\r\n",
                           "</h1>\nHTTP/1.1 200 OK\r\n", "\r\n\r\nhello, world\n"}) {
    const size_t found = answer.find(part, at);
    ASSERT_NE(found, std::string::npos) << part << " in " << answer;
    at = found + 1;
  }
  EXPECT_TRUE(answer.ends_with("hello, world\n"));
}

TEST_F(HttpServerTest, status_of_each_kind_of_request) {
  struct Case {
    const char* in;
    const char* status;
    const char* contains;
    bool closed;
  };
  const Case cases[] = {
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "hello, world", false},
      {"GET / HTTP/1.1\r\nHost: TWO.example.test.:80\r\n\r\n", "200 OK", "second", false},
      {"GET http://two.example.test/ HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "second", false},
      {"GET / HTTP/1.1\r\nHost: [2001:2::1]:80\r\n\r\n", "200 OK", "second", false},
      {"GET /?x=/../.. HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "hello", false},
      {"GET / HTTP/1.0\r\n\r\n", "200 OK", "Connection: close\r\n", true},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 OK", "Connection: keep-alive\r\n", false},
      {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200 OK", "Connection: close\r\n", true},
      {"GET /dir HTTP/1.1\r\nHost: x\r\n\r\n", "301 Moved Permanently", "Location: /dir/\r\n", false},
      {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK",
       "Allow: GET, HEAD, OPTIONS\r\nContent-Length: 0\r\n", false},
      {"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", "405 Method Not Allowed", "Allow: GET, HEAD, OPTIONS\r\n",
       false},
      {"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "501 Not Implemented", "", false},
      {"CONNECT a:80 HTTP/1.1\r\nHost: x\r\n\r\n", "405 Method Not Allowed", "Connection: close\r\n", true},
      {"GET /none HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found", "<h1>404 Not Found</h1>", false},
      {"GET /index.html/ HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found", "", false},
      {"GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request", "", false},
      {"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request", "", false},
      {"GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request", "", false},
      {"GET /..%5c HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request", "", false},
      {"GET / HTTP/1.1\r\n\r\n", "400 Bad Request", "Connection: close\r\n", true},
      {"GET / HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported", "Connection: close\r\n", true},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", "413 Content Too Large", "",
       true},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501 Not Implemented", "",
       true},
      {"GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", "417 Expectation Failed", "", true},
  };
  for (const Case& c : cases) {
    Peer& p = peer();
    const std::string answer = p.says(c.in).takes();
    EXPECT_TRUE(answer.starts_with(std::string{"HTTP/1.1 "} + c.status + "\r\n")) << c.in << answer;
    EXPECT_NE(answer.find(c.contains), std::string::npos) << c.in << answer;
    EXPECT_EQ(p.closed, c.closed) << c.in;
    EXPECT_FALSE(p.aborted) << c.in;
  }
}

TEST_F(HttpServerTest, limits_answer_414_and_431) {
  EXPECT_TRUE(peer(0).says(request("GET /" + std::string(8200, 'x'))).takes().starts_with("HTTP/1.1 414 "));
  EXPECT_TRUE(
      peer(1).says(request("GET /", "X: " + std::string(20000, 'x'))).takes().starts_with("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, conditions_are_answered_without_content) {
  const std::string whole = peer().says(request("GET /")).takes();
  const std::string tag = whole.substr(whole.find("ETag: ") + 6, 18);
  struct Case {
    std::string fields;
    bool unchanged;
  };
  const Case cases[] = {{"If-None-Match: " + tag, true},
                        {"If-None-Match: \"x\", W/" + tag, true},
                        {"If-None-Match: *", true},
                        {"If-None-Match: \"x\"", false},
                        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", true},
                        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", false},
                        {"If-Modified-Since: yesterday", false},
                        {"If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", false}};
  for (const Case& c : cases) {
    const std::string answer = peer().says(request("GET /", c.fields + "\r\n")).takes();
    if (c.unchanged)
      EXPECT_EQ(answer, "HTTP/1.1 304 Not Modified\r\nDate: Tue, 29 Feb 2000 00:00:00 GMT\r\nETag: " + tag +
                            "\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n")
          << c.fields;
    else
      EXPECT_EQ(answer, whole) << c.fields;
  }
}

TEST_F(HttpServerTest, a_big_file_is_exact_through_any_room) {
  const std::string wanted = big_file();
  for (const size_t room : {size_t{997}, size_t{65535}, size_t{1} << 24}) {
    Peer& p = peer();
    p.room = room;
    const std::string answer = p.says(request("GET /big") + request("GET /")).takes(room / 2 + 1);
    const size_t content = answer.find("\r\n\r\n") + 4;
    EXPECT_TRUE(answer.substr(content, wanted.size()) == wanted) << "room " << room;
    EXPECT_TRUE(answer.substr(content + wanted.size()).starts_with(ok_head)) << "room " << room;
  }
}

TEST_F(HttpServerTest, a_peer_that_takes_nothing_closes_its_own_window) {
  Peer& p = peer();
  p.room = 100;
  std::string many;
  for (int i = 0; i < 50; ++i) many += request("GET /");
  p.says(many);
  EXPECT_EQ(p.out.size(), 100u);
  EXPECT_GT(p.in.size(), many.size() - 100) << "requests behind a waiting answer stay unread";
  const std::string answers = p.takes(10);
  size_t n = 0;
  for (size_t at = 0; (at = answers.find("hello, world\n", at)) != std::string::npos; ++at) ++n;
  EXPECT_EQ(n, 50u);
  EXPECT_EQ(p.in.size(), 0u);
}

TEST_F(HttpServerTest, content_of_a_refused_method_is_dropped_and_the_connection_goes_on) {
  const std::string answer =
      peer().says(request("POST /", "Content-Length: 5\r\n") + "hello" + request("GET /")).takes();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(answer.ends_with("hello, world\n"));
  EXPECT_EQ(count[Counter::http_body_bytes_in], 5u);
}

TEST_F(HttpServerTest, a_client_that_waits_to_go_on_is_told_yes_or_no) {
  const std::string expect = "Content-Length: 5\r\nExpect: 100-continue\r\n";
  Peer& yes = peer(0);
  EXPECT_TRUE(yes.says(request("GET /", expect))
                  .takes()
                  .starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(yes.says("hello" + request("GET /")).takes().starts_with(ok_head));
  Peer& no = peer(1);
  EXPECT_TRUE(no.says(request("POST /", expect)).takes().starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(no.closed);
}

TEST_F(HttpServerTest, a_slow_head_is_told_so_and_dripping_does_not_help) {
  Peer& p = peer();
  p.says("GET / HT");
  for (int i = 0; i < 9; ++i) {
    passes(1_s);
    p.says("x");
  }
  EXPECT_FALSE(p.closed);
  passes(1_s);
  EXPECT_TRUE(p.takes().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(p.closed);
  EXPECT_EQ(count[Counter::http_head_timeout], 1u);
  passes(2_s);
  EXPECT_TRUE(p.aborted) << "the peer did not close";
  EXPECT_EQ(count[Counter::http_linger_timeout], 1u);
  EXPECT_EQ(services->deadline(), Instant::never());
}

TEST_F(HttpServerTest, a_silent_connection_is_closed_without_a_word) {
  Peer& fresh = peer(0);
  Peer& used = peer(1);
  used.says(request("GET /")).takes();
  passes(10_s);
  EXPECT_TRUE(fresh.closed);
  EXPECT_EQ(fresh.takes(), "");
  EXPECT_FALSE(used.closed);
  passes(50_s);
  EXPECT_TRUE(used.closed);
  EXPECT_EQ(used.takes(), "");
  EXPECT_EQ(count[Counter::http_idle_timeout], 1u);
}

TEST_F(HttpServerTest, a_peer_that_stops_taking_is_reset_but_a_slow_one_is_not) {
  Peer& slow = peer(0);
  Peer& dead = peer(1);
  slow.room = dead.room = 1000;
  slow.says(request("GET /big"));
  dead.says(request("GET /big"));
  for (int i = 0; i < 4; ++i) {
    passes(10_s);
    slow.out.consume(1);
    slow.call(buf::stream_event::writable);
  }
  EXPECT_FALSE(slow.aborted);
  EXPECT_TRUE(dead.aborted);
  EXPECT_EQ(count[Counter::http_send_timeout], 1u);
}

TEST_F(HttpServerTest, a_last_answer_still_on_its_way_is_not_cut_off) {
  Peer& slow = peer(0);
  Peer& dead = peer(1);
  for (Peer* p : {&slow, &dead}) {
    p->room = 4 << 20;  // all of the answer is handed over at once
    p->says("GET /big HTTP/1.1\r\nHost: www.example.test\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(p->closed);
  }
  for (int i = 0; i < 60; ++i) {
    passes(1_s);
    slow.out.consume(1);  // acknowledged; no event tells it
  }
  EXPECT_FALSE(slow.aborted);
  EXPECT_TRUE(dead.aborted);
  EXPECT_EQ(count[Counter::http_send_timeout], 1u);
  slow.out.clear();
  for (int i = 0; i < 5; ++i) passes(1_s);
  EXPECT_TRUE(slow.aborted) << "all was taken, but the peer did not close";
  EXPECT_EQ(count[Counter::http_linger_timeout], 1u);
}

TEST_F(HttpServerTest, a_peer_that_takes_too_little_for_an_event_is_not_reset) {
  Peer& slow = peer(0);
  slow.room = 1000;
  slow.says(request("GET /big"));
  for (int i = 0; i < 4; ++i) {
    passes(20_s);
    slow.out.consume(1);  // the transport asks again only when much more room came
  }
  EXPECT_FALSE(slow.aborted);
  passes(20_s);
  passes(30_s);
  passes(30_s);
  EXPECT_TRUE(slow.aborted);
}

TEST_F(HttpServerTest, without_links_an_answer_waits_and_is_then_whole) {
  start({}, 6);
  Peer& hog = peer(0);
  Peer& p = peer(1);
  buf::Chunk other{.data = reinterpret_cast<uint8_t*>(this), .size = 1};
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(hog.out.push(buf::Slice{other, 0, 1}));
  p.says(request("GET /"));  // its one link comes back only with the next request
  EXPECT_EQ(p.out.size(), 0u);
  EXPECT_GT(count[Counter::http_no_memory], 0u);
  passes(5_ms);
  EXPECT_EQ(p.out.size(), 0u);
  hog.out.clear();
  passes(5_ms);
  const std::string answer = p.takes();
  EXPECT_TRUE(answer.starts_with(ok_head));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nhello, world\n"));
}

TEST_F(HttpServerTest, a_peer_that_closes_gets_its_answers_and_then_the_end) {
  Peer& whole = peer(0);
  whole.says(request("GET /"), buf::stream_event::peer_closed);
  EXPECT_TRUE(whole.takes().ends_with("hello, world\n"));
  EXPECT_TRUE(whole.closed);
  EXPECT_EQ(count[Counter::http_truncated], 0u);
  Peer& half = peer(1);
  half.says("GET / HT", buf::stream_event::peer_closed);
  EXPECT_EQ(half.takes(), "");
  EXPECT_TRUE(half.closed);
  EXPECT_EQ(count[Counter::http_truncated], 1u);
}

TEST_F(HttpServerTest, what_a_failed_connection_held_is_given_back) {
  Peer& p = peer();
  p.room = 10;
  p.says(request("GET /big"));
  p.call(buf::stream_event::failed);
  EXPECT_EQ(services->deadline(), Instant::never());
  Peer& next = peer();  // the same index, another life
  EXPECT_TRUE(next.says(request("GET /")).takes().starts_with(ok_head));
  p.call(buf::stream_event::readable);
  EXPECT_TRUE(p.aborted) << "a name of the past";
}

TEST_F(HttpServerTest, the_date_moves_on_while_old_answers_keep_theirs) {
  Peer& old = peer(0);
  old.says(request("GET /"));
  const size_t before = chunks.free();
  services->date(today + 1);
  EXPECT_LT(chunks.free(), before) << "the old date is still on its way";
  Peer& later = peer(1);
  EXPECT_NE(later.says(request("GET /")).takes().find("Date: Tue, 29 Feb 2000 00:00:01 GMT\r\n"),
            std::string::npos);
  EXPECT_NE(old.takes().find("Date: Tue, 29 Feb 2000 00:00:00 GMT\r\n"), std::string::npos);
  EXPECT_EQ(chunks.free(), before);
  services->date(today + 2);
  EXPECT_EQ(chunks.free(), before) << "nobody held the last second: written over in place";
}

TEST_F(HttpServerTest, without_chunks_the_date_stands_still) {
  Peer& p = peer();
  p.says(request("GET /"));
  std::vector<buf::Slice> all;
  while (buf::Chunk* c = chunks.alloc()) all.emplace_back(*c, 0, 1);
  services->date(today + 1);
  EXPECT_EQ(count[Counter::http_no_memory], 1u);
  EXPECT_TRUE(p.takes().starts_with(ok_head));
  services->date(today + 1);
  EXPECT_NE(p.says(request("GET /")).takes().find("00:00:01 GMT"), std::string::npos);
}

}  // namespace
}  // namespace sluice::serve
