// SPDX-License-Identifier: Apache-2.0
#include "app/load/words.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace sluice::load {
namespace {

struct Read {
  std::variant<Plan, int> result;
  std::string complaint;
  const Plan& plan() const { return std::get<Plan>(result); }
};

Read read(const std::string& line) {
  std::istringstream in{line};
  std::vector<std::string> words{"sluice-load"};
  for (std::string w; in >> w;) words.push_back(w);
  std::vector<const char*> argv;
  for (const std::string& w : words) argv.push_back(w.c_str());
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  auto result = read_words(static_cast<int>(argv.size()), argv.data());
  testing::internal::GetCapturedStdout();
  return {std::move(result), testing::internal::GetCapturedStderr()};
}

const std::string leg = " --device tap:load0 --address 198.18.0.2/24";

TEST(Words, http_with_all_it_takes) {
  const Read r = read(
      "http http://198.18.0.1:8080/1k.bin" + leg +
      " --device-args a=b --core 3 --sources 4 --gateway 198.18.0.1 --duration 500ms --warmup 2s "
      "--connections 100"
      " --requests 7 --pipeline 2 --rate 20k --expect-status 404 --upload 1M --json - --seed 9 --mtu 9000"
      " --memory 800 --quiet --timeout 3s");
  ASSERT_TRUE(std::holds_alternative<Plan>(r.result)) << r.complaint;
  const Plan& p = r.plan();
  EXPECT_EQ(p.mode, Mode::Http);
  EXPECT_EQ(p.server, IpAddr{Ip4Addr::of(198, 18, 0, 1)});
  EXPECT_EQ(p.port, Port{8080});
  EXPECT_EQ(p.authority, "198.18.0.1:8080");
  EXPECT_EQ(p.target, "/1k.bin");
  ASSERT_EQ(p.legs.size(), 1u);
  EXPECT_EQ(p.legs[0].device.kind, io::DeviceKind::tap);
  EXPECT_EQ(p.legs[0].device.target, "load0");
  EXPECT_EQ(p.legs[0].device.args, "a=b");
  EXPECT_EQ(to_text(p.legs[0].address), "198.18.0.2/24");
  EXPECT_EQ(to_text(p.legs[0].gateway), "198.18.0.1");
  EXPECT_EQ(p.core, 3u);
  EXPECT_EQ(p.sources, 4u);
  EXPECT_EQ(p.duration, 500_ms);
  EXPECT_EQ(p.warmup, 2_s);
  EXPECT_EQ(p.connections, 100u);
  EXPECT_EQ(p.requests, 7u);
  EXPECT_EQ(p.pipeline, 2u);
  EXPECT_EQ(p.rate, 20'000);
  EXPECT_EQ(p.expect_status, 404);
  EXPECT_EQ(p.upload, 1'000'000u);
  EXPECT_EQ(p.mtu, 9000);
  EXPECT_TRUE(p.quiet);
  EXPECT_EQ(p.timeout, 3_s);
}

TEST(Words, dns_udp_and_syn) {
  const Read dns = read(
      "dns --server 198.18.0.1 --name-pattern h{0..9}.test --expect-rcode NXDOMAIN --expect-answers 0" + leg);
  ASSERT_TRUE(std::holds_alternative<Plan>(dns.result)) << dns.complaint;
  EXPECT_EQ(dns.plan().expect_rcode, 3);
  EXPECT_EQ(dns.plan().expect_answers, 0);
  EXPECT_EQ(dns.plan().timeout, 1_s);

  const Read udp = read(
      "udp --device vhost_user:/tmp/a.sock --device memif:/tmp/b.sock --address 198.18.0.2/24 --address "
      "198.19.0.2/24"
      " --bidirectional --size 64 --size imix --targets 10.0.0.0/8 --target-count 1000000 --search 0.001");
  ASSERT_TRUE(std::holds_alternative<Plan>(udp.result)) << udp.complaint;
  EXPECT_EQ(udp.plan().sizes, (std::vector<uint16_t>{64, 0}));
  EXPECT_EQ(udp.plan().legs[1].device.kind, io::DeviceKind::memif);
  EXPECT_EQ(udp.plan().target_count, 1'000'000u);
  EXPECT_EQ(udp.plan().search, 0.001);
  EXPECT_TRUE(udp.plan().both_ways);

  const Read echo = read("ip --echo --target 198.18.0.1 --size all" + leg);
  ASSERT_TRUE(std::holds_alternative<Plan>(echo.result)) << echo.complaint;
  EXPECT_EQ(echo.plan().sizes.size(), 8u);

  const Read syn = read("syn http://198.18.0.1/ --flood-rate 2M --flood-sources 10.0.0.0/8" + leg);
  ASSERT_TRUE(std::holds_alternative<Plan>(syn.result)) << syn.complaint;
  EXPECT_EQ(syn.plan().flood_rate, 2e6);
}

const std::string leg6 = " --device tap:load0 --address 2001:2::2/64";

TEST(Words, of_ip6) {
  const Read some = read("http http://[2001:2::1]:8080/x --sources 40000" + leg6);
  ASSERT_TRUE(std::holds_alternative<Plan>(some.result)) << some.complaint;
  EXPECT_FALSE(some.plan().four());
  EXPECT_EQ(to_text(some.plan().server), "2001:2::1");
  EXPECT_EQ(some.plan().port, Port{8080});
  EXPECT_EQ(some.plan().authority, "[2001:2::1]:8080");

  const Read plain = read("http http://[2001:2::1]/" + leg6);
  ASSERT_TRUE(std::holds_alternative<Plan>(plain.result)) << plain.complaint;
  EXPECT_EQ(plain.plan().port, Port{80});

  const Read udp = read("udp --echo --target [2001:2::1]:7 --size all" + leg6);
  ASSERT_TRUE(std::holds_alternative<Plan>(udp.result)) << udp.complaint;
  EXPECT_EQ(udp.plan().sizes, (std::vector<uint16_t>{84, 128, 256, 512, 1024, 1280, 1518, 0}));
  EXPECT_EQ(to_text(udp.plan().targets), "2001:2::1/128");
  EXPECT_EQ(udp.plan().target_port, Port{7});

  const Read list = read("ip --echo --target-list f" + leg6);
  ASSERT_TRUE(std::holds_alternative<Plan>(list.result)) << list.complaint;
  EXPECT_EQ(list.plan().target_list, "f");
  EXPECT_EQ(list.plan().sizes, std::vector<uint16_t>{84}) << "the smallest that holds an echo and its stamp";
}

TEST(Words, wrong_ones_are_told_with_what_would_be_right) {
  const struct {
    std::string line;
    const char* says;
  } cases[] = {
      {"", "subcommand"},
      {"ftp", "subcommand"},
      {"http http://198.18.0.1/", "--device"},
      {"http http://198.18.0.1/ --device tap:load0", "--address"},
      {"http http://198.18.0.1/ --device tap --address 198.18.0.2/24", "KIND:TARGET"},
      {"http http://198.18.0.1/ --device token_ring:x --address 198.18.0.2/24", "vhost_user"},
      {"http http://198.18.0.1/ --device tap:averyverylongname --address 198.18.0.2/24", "interface name"},
      {"http http://198.18.0.1/ --device tap:load0 --address 198.18.0.2", "198.18.0.2/24"},
      {"http https://198.18.0.1/" + leg, "http://"},
      {"http http://example.test/" + leg, "IPv4"},
      {"http http://198.18.0.1:0/" + leg, "http://"},
      {"http http://198.18.0.1/" + leg + " --duration 5", "unit"},
      {"http http://198.18.0.1/" + leg + " --duration 0s", "some time"},
      {"http http://198.18.0.1/" + leg + " --rate fast", "200k"},
      {"http http://198.18.0.1/" + leg + " --connections 100000", "--sources"},
      {"http http://198.18.0.1/" + leg + " --sources 300", "addresses"},
      {"http http://198.18.0.1/" + leg + " --hold --rate 5", "--hold"},
      {"http http://198.18.0.1/" + leg + " --pipeline 0", "--pipeline"},
      {"http http://198.18.0.1/" + leg + leg, "second port"},
      {"http http://198.18.0.1/ --no-such-option 1" + leg, "no-such-option"},
      {"dns --server 198.18.0.1" + leg, "--name-pattern"},
      {"dns --server here --queries f" + leg, "--server"},
      {"dns --server 198.18.0.1 --queries f --expect-rcode OOPS" + leg, "NXDOMAIN"},
      {"udp" + leg, "second --device"},
      {"udp --echo" + leg, "--target"},
      {"udp --echo --target 198.18.0.1 --size 63" + leg, "64"},
      {"udp --echo --target 198.18.0.1 --size 1519" + leg, "1518"},
      {"udp --echo --target 198.18.0.1:x" + leg, "--target"},
      {"udp --echo --targets 10.0.0.0/30 --target-count 5" + leg, "fewer"},
      {"udp --echo --target 198.18.0.1 --bidirectional" + leg, "two devices"},
      {"udp --echo --target 198.18.0.1 --search 0.1 --rate 5" + leg, "--rate"},
      {"udp --echo --target 198.18.0.1 --peer-mac 01:00:00:00:00:01" + leg, "MAC"},
      {"syn http://198.18.0.1/" + leg, "--flood-rate"},
      {"http http://2001:2::1/" + leg6, "http://[2001:2::1]"},
      {"http http://[198.18.0.1]/" + leg, "http://"},
      {"http http://[2001:2::1/" + leg6, "http://"},
      {"http http://[2001:2::1]/" + leg, "one family"},
      {"dns --server 198.18.0.1 --queries f" + leg6, "one family"},
      {"udp --echo --target 198.18.0.1" + leg6, "one family"},
      {"udp --echo --targets 2001:2::/127 --target-count 3" + leg6, "fewer"},
      {"udp --echo --target-list f --target-count 3" + leg6, "--target-count"},
      {"udp --echo --target-list f --target 2001:2::1" + leg6, "give one of them"},
      {"udp --echo --targets 10.0.0.0/8 --target 198.18.0.1" + leg, "give one of them"},
      {"udp --echo --target 2001:2::1 --size 83" + leg6, "84"},
      {"udp --echo --target 2001:2::1 --mtu 1279" + leg6, "1280"},
      {"udp --device tap:a --address 2001:2::2/64 --device tap:b --address 198.18.0.2/24", "one family"},
      {"http http://[2001:2::1]/ --gateway 198.18.0.1" + leg6, "one family"},
      {"http http://198.18.0.1/ --gateway 198.19.0.1" + leg, "is not in the network"},
      {"syn http://[2001:2::1]/ --flood-rate 5 --flood-sources 10.0.0.0/8" + leg6, "one family"},
      {"http http://[2001:2::1]/ --sources 3 --device tap:a --address 2001:2::fffe/127", "addresses"},
      {"syn http://198.18.0.1/ --flood-rate 5" + leg, "--flood-sources"},
  };
  for (const auto& c : cases) {
    const Read r = read(c.line);
    ASSERT_TRUE(std::holds_alternative<int>(r.result)) << c.line;
    EXPECT_EQ(std::get<int>(r.result), 2) << c.line;
    EXPECT_NE(r.complaint.find(c.says), std::string::npos) << c.line << "\n" << r.complaint;
  }
}

TEST(Words, help_and_version_are_no_error) {
  for (const char* line : {"--help", "--version", "http --help"})
    EXPECT_EQ(std::get<int>(read(line).result), 0) << line;
}

}  // namespace
}  // namespace sluice::load
