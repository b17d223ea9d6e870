// SPDX-License-Identifier: Apache-2.0
#include "http/h1_client.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/eal.h"

namespace sluice::http {
namespace {

using Next = H1Client::Next;

// A client that asked `asked` times, and everything it tells of octets shown in pieces of `step`.
struct Reader {
  explicit Reader(uint32_t asked = 1) {
    for (uint32_t i = 0; i < asked; ++i) client.asked();
  }
  std::string reads(std::string_view text, size_t step = SIZE_MAX) {
    std::string told;
    while (!text.empty() && !broken) {
      const auto piece = text.substr(0, std::min({step, text.size(), size_t{1400}}));
      text.remove_prefix(piece.size());
      buf::Packet p = test::packet_of(as_bytes(piece));
      check(in.push(buf::Slice{std::move(p), 0, static_cast<uint32_t>(piece.size())}), "a link");
      told += tell();
    }
    return told;
  }
  std::string closes() {
    switch (client.on_close()) {
      case Next::Done:
        return "done ";
      case Next::Broken:
        return "broken ";
      default:
        return "";
    }
  }
  std::string tell() {
    std::string told;
    for (;;) {
      switch (client.next(in, scratch, method, options, known)) {
        case Next::Wait:
          return told;
        case Next::Head:
          told += std::to_string(client.response().status) + "(";
          continue;
        case Next::Content:
          told += as_text(client.content());
          continue;
        case Next::Done:
          told += ") ";
          continue;
        case Next::Broken:
          broken = true;
          return told + "broken ";
      }
    }
  }

  buf::LinkPool links{4'096};
  buf::ByteQueue in{links};
  H1Client client;
  Method method = Method::Get;
  Options options;
  KnownHead known;
  bool broken = false;
  std::vector<uint8_t> scratch = std::vector<uint8_t>(options.head_max);
};

struct Case {
  const char* claim;
  uint32_t asked;
  std::string text;
  std::string told;
};

const Case cases[] = {
    {"a length", 1, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200(hello) "},
    {"no content", 1, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200() "},
    {"chunks", 1,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: v\r\n\r\n",
     "200(hello) "},
    {"two behind one another", 2,
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nb",
     "200(a) 404(b) "},
    {"equal heads one after the other", 3,
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc",
     "200(a) 200(b) 200(c) "},
    {"interim responses are passed over", 1,
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
     "OK\r\nContent-Length: 1\r\n\r\na",
     "200(a) "},
    {"304 has no content whatever it says", 2,
     "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
     "304() 200(a) "},
    {"nobody asked for a second", 1,
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb",
     "200(a) broken "},
    {"nobody asked at all", 0, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "broken "},
    {"nothing follows the last", 2,
     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: "
     "1\r\n\r\nb",
     "200(a) broken "},
    {"no upgrade was asked for", 1, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "broken "},
    {"no HTTP", 1, "SSH-2.0-OpenSSH\r\n", "broken "},
    {"bare line feed", 1, "HTTP/1.1 200 OK\nContent-Length: 1\n\na", "broken "},
    {"a length and chunks", 1, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
     "broken "},
    {"two lengths", 1, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "broken "},
    {"a chunk without its end", 1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhelp\r\n",
     "200(helbroken "},
};

TEST(H1Client, understands_responses_however_they_are_cut) {
  for (const Case& c : cases)
    for (const size_t step : {SIZE_MAX, size_t{1}, size_t{2}, size_t{7}, size_t{40}}) {
      Reader r{c.asked};
      EXPECT_EQ(r.reads(c.text, step), c.told) << c.claim << ", pieces of " << step;
      EXPECT_EQ(r.links.free() == 4'096 || r.broken, true) << c.claim << ": octets are left over";
    }
}

TEST(H1Client, the_end_of_the_connection_may_end_the_content) {
  Reader r;
  EXPECT_EQ(r.reads("HTTP/1.1 200 OK\r\n\r\nhello"), "200(hello");
  EXPECT_EQ(r.closes(), "done ");
  EXPECT_TRUE(r.client.last());
  EXPECT_EQ(r.client.open(), 0u);
}

TEST(H1Client, the_end_of_the_connection_may_cut_it_off) {
  for (const char* text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "HTTP/1.1 200 OK\r\nCont"}) {
    Reader r;
    r.reads(text);
    EXPECT_EQ(r.closes(), "broken ") << text;
  }
  Reader nothing;
  EXPECT_EQ(nothing.closes(), "");
  EXPECT_EQ(nothing.client.open(), 1u) << "it was asked and not answered";
}

TEST(H1Client, tells_whether_another_request_may_follow) {
  const struct {
    const char* head;
    bool last;
  } heads[] = {{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false},
               {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", true},
               {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", true},
               {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", false}};
  for (const auto& h : heads) {
    Reader r;
    EXPECT_EQ(r.reads(h.head), "200() ");
    EXPECT_EQ(r.client.last(), h.last) << h.head;
  }
}

TEST(H1Client, a_known_head_says_the_same_as_when_it_was_read) {
  Reader r{3};
  const std::string response = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab";
  EXPECT_EQ(r.reads(response), "200(ab) ");
  Response known;
  EXPECT_EQ(r.known.find(as_bytes(response), known), response.size() - 2);
  EXPECT_EQ(known.status, 200);
  EXPECT_EQ(known.content_length, 2u);
  EXPECT_FALSE(known.persistent);
  EXPECT_EQ(r.known.find(as_bytes(response).first(20), known), 0u);
  EXPECT_EQ(
      r.known.find(as_bytes("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"), known),
      0u);
}

TEST(H1Client, a_head_that_is_too_long_is_refused) {
  Reader r;
  const std::string line = "X: " + std::string(1'000, 'x') + "\r\n";
  std::string text = "HTTP/1.1 200 OK\r\n";
  while (text.size() < r.options.head_max) text += line;
  EXPECT_EQ(r.reads(text), "broken ");
  EXPECT_EQ(r.client.why(), Counter::http_head_too_large);
}

}  // namespace
}  // namespace sluice::http
