// SPDX-License-Identifier: Apache-2.0
#include "http/h1_body.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

struct Read {
  std::string content;
  size_t taken = 0;
  bool done = false;
  bool bad = false;
  Counter why{};
};

// Shows the octets in two parts, cut at `cut`.
Read read(Body body, std::string_view in, size_t cut) {
  Read r;
  for (const std::string_view part : {in.substr(0, cut), in.substr(cut)}) {
    std::string_view rest = part;
    while (!rest.empty() && !body.done()) {
      const auto s = body.take(as_bytes(rest));
      if (!s) {
        r.bad = true, r.why = s.why();
        return r;
      }
      EXPECT_LE(s->framing + s->content, rest.size());
      if (s->framing + s->content == 0) {
        ADD_FAILURE() << "no progress at " << rest;
        return r;
      }
      r.content += rest.substr(s->framing, s->content);
      r.taken += s->framing + s->content;
      rest.remove_prefix(s->framing + s->content);
    }
  }
  r.done = body.done();
  return r;
}

struct Case {
  const char* claim;
  std::string in, content;
  bool bad;
  Counter why;
};

TEST(H1Body, chunks_are_told_from_content_at_any_split) {
  using C = Counter;
  const Case cases[] = {
      {"plain", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", false, C{}},
      {"upper and lower digits", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789",
       false, C{}},
      {"leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "hello", false, C{}},
      {"extension", "5;a=\"b\"\r\nhello\r\n0;x\r\n\r\n", "hello", false, C{}},
      {"trailers", "1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n", "x", false, C{}},
      {"nothing", "0\r\n\r\n", "", false, C{}},
      {"no size", "\r\nhello", "", true, C::http_bad_chunk},
      {"signed size", "+5\r\nhello\r\n0\r\n\r\n", "", true, C::http_bad_chunk},
      {"0x", "0x5\r\nhello\r\n0\r\n\r\n", "", true, C::http_bad_chunk},
      {"blank behind size", "5 \r\nhello\r\n0\r\n\r\n", "", true, C::http_bad_chunk},
      {"bare LF behind size", "5\nhello\r\n0\r\n\r\n", "", true, C::http_bad_chunk},
      {"bare CR behind size", "5\rhello\r\n0\r\n\r\n", "", true, C::http_bad_chunk},
      {"LF in extension", "5;a\nhello\r\n0\r\n\r\n", "", true, C::http_bad_chunk},
      {"CR in extension", "5;a\rX\r\nhello\r\n0\r\n\r\n", "", true, C::http_bad_chunk},
      {"longer than its size", "5\r\nhellooo\r\n0\r\n\r\n", "", true, C::http_bad_chunk},
      {"bare LF behind content", "5\r\nhello\n0\r\n\r\n", "", true, C::http_bad_chunk},
      {"over the limit at once", "65\r\n", "", true, C::http_body_too_large},
      {"over the limit in sum", "63\r\n" + std::string(99, 'x') + "\r\n2\r\nxx", "", true,
       C::http_body_too_large},
      {"size past 2^64", "10000000000000005\r\nhello\r\n0\r\n\r\n", "", true, C::http_body_too_large},
      {"trailer without colon", "0\r\nabc\r\n\r\n", "", true, C::http_bad_trailer},
      {"folded trailer", "0\r\nA: b\r\n c\r\n\r\n", "", true, C::http_bad_trailer},
      {"endless zeros", std::string(20000, '0'), "", true, C::http_bad_chunk},
      {"endless extension", "1;" + std::string(20000, 'a'), "", true, C::http_bad_chunk},
      {"endless trailers", "0\r\nA:" + std::string(20000, 'a'), "", true, C::http_bad_trailer},
  };
  for (const Case& c : cases) {
    const std::string in = c.bad ? c.in : c.in + "GET /next";
    const size_t step = in.size() > 1000 ? 997 : 1;
    for (size_t cut = 0; cut <= in.size(); cut += step) {
      const Read r = read(Body{Framing::Chunked, 0, 100}, in, cut);
      EXPECT_EQ(r.bad, c.bad) << c.claim << " cut at " << cut;
      if (c.bad) {
        EXPECT_EQ(r.why, c.why) << c.claim << " cut at " << cut;
      } else {
        EXPECT_TRUE(r.done) << c.claim << " cut at " << cut;
        EXPECT_EQ(r.content, c.content) << c.claim << " cut at " << cut;
        EXPECT_EQ(r.taken, c.in.size()) << c.claim << " cut at " << cut;
      }
    }
  }
}

TEST(H1Body, a_length_ends_where_it_says) {
  const Read r = read(Body{Framing::Length, 5, 0}, "hello world", 3);
  EXPECT_TRUE(r.done);
  EXPECT_EQ(r.content, "hello");
  EXPECT_TRUE((Body{Framing::Length, 0, 0}.done()));
  EXPECT_FALSE((Body{Framing::Length, 5, 0}.on_close()));
}

TEST(H1Body, only_a_body_up_to_the_end_may_end_with_the_connection) {
  Body b{Framing::UntilClose, 0, 0};
  EXPECT_EQ(b.take(as_bytes("all of it"))->content, 9u);
  EXPECT_FALSE(b.done());
  EXPECT_TRUE(b.on_close());
  EXPECT_FALSE((Body{Framing::Chunked, 0, 9}.on_close()));
}

}  // namespace
}  // namespace sluice::http
