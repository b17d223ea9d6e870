// SPDX-License-Identifier: Apache-2.0
#include "http/path.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::http {
namespace {

TEST(Path, becomes_the_name_of_one_thing_or_is_refused) {
  struct Case {
    const char *in, *out;  // out null: refused
  };
  const Case cases[] = {{"/", "/"},
                        {"/a/b.html", "/a/b.html"},
                        {"/a%20b", "/a b"},
                        {"/%41%6a", "/Aj"},
                        {"/%c3%a4", "/\xc3\xa4"},
                        {"/a/./b", "/a/b"},
                        {"/a/.", "/a/"},
                        {"/./", "/"},
                        {"/.", "/"},
                        {"/a/../b", "/b"},
                        {"/a/b/..", "/a/"},
                        {"/a/..", "/"},
                        {"/a/b/../../c", "/c"},
                        {"/...", "/..."},
                        {"/.a", "/.a"},
                        {"/..a/b", "/..a/b"},
                        {"/a//b", "/a//b"},
                        {"/a//../b", "/a/b"},
                        {"/%2e/a", "/a"},
                        {"/a/%2e%2e/b", "/b"},
                        {"/a/%2E./", "/"},
                        {"/%252e%252e/a", "/%2e%2e/a"},  // decoded once only
                        {"/..", nullptr},
                        {"/../etc/passwd", nullptr},
                        {"/a/../../b", nullptr},
                        {"/%2e%2e/%2e%2e/etc/passwd", nullptr},
                        {"/.%2e/a", nullptr},
                        {"/a%00b", nullptr},
                        {"/%00", nullptr},
                        {"/a%2fb", nullptr},
                        {"/..%2f..%2fetc", nullptr},
                        {"/a\\..\\b", nullptr},
                        {"/a%5cb", nullptr},
                        {"/%", nullptr},
                        {"/%4", nullptr},
                        {"/%zz", nullptr},
                        {"/%0d%0a", nullptr},
                        {"/%7f", nullptr},
                        {"/%u002e", nullptr}};
  for (const Case& c : cases) {
    std::string in = c.in;
    std::vector<uint8_t> scratch(in.size());  // exactly: ASan watches its end
    const auto out = normal_path(in, scratch);
    ASSERT_EQ(static_cast<bool>(out), c.out != nullptr) << c.in;
    if (out)
      EXPECT_EQ(*out, c.out) << c.in;
    else
      EXPECT_EQ(out.why(), Counter::http_bad_path);
  }
}

}  // namespace
}  // namespace sluice::http
