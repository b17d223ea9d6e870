// SPDX-License-Identifier: Apache-2.0
#include "http/date.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

std::string text(int64_t t) {
  const DateText d = date_text(t);
  return {d.begin(), d.end()};
}

TEST(Date, is_written_as_the_rfc_does) {
  EXPECT_EQ(text(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(text(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(text(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(text(-5), text(0));
  EXPECT_EQ(text(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(Date, reads_back_what_it_wrote) {
  for (int64_t t = 0; t < 253'402'300'799; t += 86'399 * 9973) EXPECT_EQ(parse_date(text(t)), t);
}

TEST(Date, other_texts_are_no_dates) {
  for (const char* s :
       {"", "Sun, 06 Nov 1994 08:49:37", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 ovD 1994 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT"})
    EXPECT_FALSE(parse_date(s)) << s;
}

}  // namespace
}  // namespace sluice::http
