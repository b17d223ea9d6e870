// SPDX-License-Identifier: Apache-2.0
#include "config/codec.h"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

TEST(Codec, reads_times_only_with_a_unit_they_fit) {
  const std::pair<const char*, Duration> good[] = {{"0s", 0_s},
                                                   {"100us", 100_us},
                                                   {"40ms", 40_ms},
                                                   {"2m", 120_s},
                                                   {"1h", 3600_s},
                                                   {"7ns", 7_ns},
                                                   {"2562047h", 3600_s * 2562047}};
  for (const auto& [text, value] : good) EXPECT_EQ(parse_number<Duration>(text), value) << text;
  for (const char* bad :
       {"", "0", "5", "s", "-1s", "1.5s", "1 s", "1sec", "2562048h", "99999999999999999999s", "1S"})
    EXPECT_FALSE(parse_number<Duration>(bad)) << bad;
}

TEST(Codec, writes_times_in_the_largest_unit_that_divides_them) {
  const std::pair<Duration, const char*> cases[] = {
      {0_s, "0s"},         {1500_ms, "1500ms"},        {60_s, "1m"}, {3600_s, "1h"}, {90_s, "90s"},
      {1001_us, "1001us"}, {1'000'001_ns, "1000001ns"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(number_text(value), text);
}

TEST(Codec, reads_sizes_in_thousands_and_in_1024s) {
  const std::pair<const char*, uint64_t> good[] = {
      {"10", 10},    {"10k", 10'000},     {"3M", 3'000'000},     {"1Gi", 1ull << 30},
      {"2Ki", 2048}, {"5Mi", 5ull << 20}, {"1G", 1'000'000'000}, {"18446744073709551615", UINT64_MAX}};
  for (const auto& [text, value] : good) EXPECT_EQ(parse_number<uint64_t>(text), value) << text;
  for (const char* bad :
       {"", "k", "1K", "1 k", "-1", "1.5k", "18446744073709551616", "18446744073709551615k", "0x10"})
    EXPECT_FALSE(parse_number<uint64_t>(bad)) << bad;
  EXPECT_FALSE(parse_number<uint32_t>("1k")) << "only 64-bit numbers are sizes";
}

TEST(Codec, reads_endpoints_of_both_families_and_writes_them_back) {
  for (const char* good : {"198.18.0.1:53", "0.0.0.0:65535", "[2001:2::1]:1", "[::]:443"}) {
    const auto e = Codec<Endpoint>::parse(good);
    ASSERT_TRUE(e) << good;
    EXPECT_EQ(Codec<Endpoint>::text(*e), good);
  }
  for (const char* bad :
       {"", ":", ":53", "198.18.0.1", "198.18.0.1:", "198.18.0.1:0", "198.18.0.1:65536", "2001:2::1:53",
        "[198.18.0.1]:53", "[2001:2::1]", "[]:1", "[:1", "localhost:53", "198.18.0.1:5x"})
    EXPECT_FALSE(Codec<Endpoint>::parse(bad)) << bad;
}

TEST(Codec, reads_the_mac_of_a_station_only) {
  EXPECT_EQ(Codec<Mac>::text(*Codec<Mac>::parse("02:00:5E:10:00:fF")), "02:00:5e:10:00:ff");
  for (const char* bad : {"", "02-00-00-00-00-01", "02:00:00:00:00:0", "02:00:00:00:00:011",
                          "02:00:00:00:00:0g", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"})
    EXPECT_FALSE(Codec<Mac>::parse(bad)) << bad;
}

TEST(Codec, knows_names_from_what_only_looks_like_them) {
  for (const char* good : {"a", "example.test", "example.test.", "_tcp.a", "0.1.in-addr.arpa", "."})
    EXPECT_TRUE(domain_name.fits(good)) << good;
  EXPECT_TRUE(domain_name.fits(std::string(63, 'a') + ".b"));
  EXPECT_FALSE(domain_name.fits(std::string(64, 'a') + ".b"));
  for (const char* bad : {"", "..", "a..b", ".a", "a b", "a/b"}) EXPECT_FALSE(domain_name.fits(bad)) << bad;
  EXPECT_FALSE(host_name.fits("_tcp.a") || host_name.fits("."));
  EXPECT_FALSE(port_name.fits("") || port_name.fits("0a") || port_name.fits("a b") ||
               port_name.fits("sixteen-letters-"));
}

TEST(Codec, every_kind_of_device_has_a_form_that_refuses_what_would_add_arguments) {
  EXPECT_EQ(device_forms().size(), static_cast<size_t>(io::DeviceKind::raw) + 1);
  for (size_t k = 0; k <= static_cast<size_t>(io::DeviceKind::raw); ++k) {
    const DeviceForm& form = form_of(static_cast<io::DeviceKind>(k));
    EXPECT_FALSE(form.target.fits("")) << form.name;
    EXPECT_EQ(form.target.fits("a,b=1"), form.kind == io::DeviceKind::raw) << form.name;
  }
}

}  // namespace
}  // namespace sluice::config
