// SPDX-License-Identifier: Apache-2.0
#include "http/date.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace sluice::http {
namespace {

constexpr std::string_view days = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr int64_t day_seconds = 86'400;
constexpr int64_t latest = 253'402'300'799;  // 9999-12-31T23:59:59Z

void digits(char* to, unsigned value, int count) {
  for (int i = count; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

// Negative when a character is no digit.
int number(std::string_view s) {
  int v = 0;
  for (const char c : s) {
    if (c < '0' || c > '9') return -1;
    v = v * 10 + (c - '0');
  }
  return v;
}

}  // namespace

DateText date_text(int64_t t) {
  t = std::clamp<int64_t>(t, 0, latest);
  const std::chrono::sys_days day{std::chrono::days{t / day_seconds}};
  const std::chrono::year_month_day date{day};
  const auto second = static_cast<unsigned>(t % day_seconds);
  DateText out;
  std::memcpy(out.data(), "Sun, 00 Jan 0000 00:00:00 GMT", out.size());
  std::memcpy(out.data(), days.data() + 3 * std::chrono::weekday{day}.c_encoding(), 3);
  digits(out.data() + 5, static_cast<unsigned>(date.day()), 2);
  std::memcpy(out.data() + 8, months.data() + 3 * (static_cast<unsigned>(date.month()) - 1), 3);
  digits(out.data() + 12, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  digits(out.data() + 17, second / 3600, 2);
  digits(out.data() + 20, second / 60 % 60, 2);
  digits(out.data() + 23, second % 60, 2);
  return out;
}

std::optional<int64_t> parse_date(std::string_view s) {
  static constexpr std::string_view shape = "___, 00 ___ 0000 00:00:00 GMT";
  if (s.size() != shape.size()) return {};
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == '_') continue;
    if (shape[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i]) return {};
  }
  const size_t month = months.find(s.substr(8, 3)), weekday = days.find(s.substr(0, 3));
  if (month == std::string_view::npos || month % 3 != 0 || weekday == std::string_view::npos ||
      weekday % 3 != 0)
    return {};
  const std::chrono::year_month_day date{std::chrono::year{number(s.substr(12, 4))},
                                         std::chrono::month{static_cast<unsigned>(month / 3 + 1)},
                                         std::chrono::day{static_cast<unsigned>(number(s.substr(5, 2)))}};
  const int hour = number(s.substr(17, 2)), minute = number(s.substr(20, 2)),
            second = number(s.substr(23, 2));
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return {};
  const int64_t day = std::chrono::sys_days{date}.time_since_epoch().count();
  return day * day_seconds + hour * 3600 + minute * 60 + second;
}

}  // namespace sluice::http
