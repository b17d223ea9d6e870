// SPDX-License-Identifier: Apache-2.0
#include "app/load/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace sluice::load {
namespace {

using nlohmann::json;

Report some(double busy) {
  Tally t;
  t.sent.set(1'010);
  t.received.set(1'000);
  t.octets.set(64'000);
  t.fault(Fault::timeout, 10);
  for (uint64_t i = 1; i <= 1'000; ++i) t.latency.record(i * 1'000);
  Report r = report_of(t, 2, busy, 3e9);
  r.mode = "http";
  r.item = "requests";
  return r;
}

TEST(Report, says_what_the_generator_could_have_done_alone) {
  const Report r = some(0.5);
  EXPECT_EQ(r.per_second(), 500);
  EXPECT_EQ(r.busy_share, 0.25);
  EXPECT_NEAR(r.cycles_per_item, 0.5 * 3e9 / 1'010, 1);
  EXPECT_NEAR(r.ceiling, 2'020, 1);
  EXPECT_FALSE(r.generator_is_the_limit());
  EXPECT_TRUE(some(1.8).generator_is_the_limit());
  std::ostringstream text;
  print_text(text, some(1.8));
  EXPECT_NE(text.str().find("THE GENERATOR IS THE LIMIT"), std::string::npos);
  std::ostringstream calm;
  print_text(calm, r);
  EXPECT_EQ(calm.str().find("LIMIT"), std::string::npos);
}

TEST(Report, is_json_by_the_names_others_rely_on) {
  const json j = json::parse(to_json({some(0.5)}));
  for (const char* key :
       {"mode", "duration_s", "per_second", "offered_per_second", "octets_per_second", "latency_ns", "errors",
        "sent", "received", "lost", "duplicated", "reordered", "corrupted", "generator"})
    EXPECT_TRUE(j.contains(key)) << key;
  for (const char* key : {"p50", "p90", "p99", "p99_9", "max", "mean", "count"})
    EXPECT_TRUE(j["latency_ns"].contains(key)) << key;
  for (const char* key : {"busy_share", "cycles_per_item", "ceiling_per_second", "tsc_hz", "resident_octets"})
    EXPECT_TRUE(j["generator"].contains(key)) << key;
  EXPECT_EQ(j["per_second"], 500);
  EXPECT_EQ(j["octets_per_second"], 32'000);
  EXPECT_EQ(j["errors"], json({{"timeout", 10}}));
  EXPECT_NEAR(j["latency_ns"]["p50"].get<double>(), 500'000, 8'000);
  EXPECT_EQ(j["latency_ns"]["max"], 1'000'000);
  EXPECT_FALSE(j.contains("connections_held"));
}

TEST(Report, tells_what_the_generators_own_stack_counted) {
  Report r = some(0.5);
  EXPECT_FALSE(json::parse(to_json({r}))["generator"].contains("stack"));
  r.stack = {{"sluice_drops_total{room=\"tcp\",reason=\"held_full\"}", 7}};
  const json j = json::parse(to_json({r}));
  EXPECT_EQ(j["generator"]["stack"], json({{"sluice_drops_total{room=\"tcp\",reason=\"held_full\"}", 7}}));
}

TEST(Report, several_runs_are_a_list) {
  const json j = json::parse(to_json({some(0.5), some(0.6)}));
  EXPECT_EQ(j["runs"].size(), 2u);
  EXPECT_EQ(j["runs"][1]["received"], 1'000);
}

TEST(Report, an_error_or_damage_makes_it_wrong_and_loss_does_not) {
  EXPECT_TRUE(some(1).wrong());
  Report fine;
  fine.lost = 5;
  EXPECT_FALSE(fine.wrong());
  fine.corrupted = 1;
  EXPECT_TRUE(fine.wrong());
}

TEST(Report, a_run_without_an_item_divides_by_nothing) {
  const Report r = report_of(Tally{}, 1, 0, 3e9);
  EXPECT_EQ(r.per_second(), 0);
  EXPECT_EQ(r.ceiling, 0);
  EXPECT_EQ(json::parse(to_json({r}))["latency_ns"]["count"], 0);
}

}  // namespace
}  // namespace sluice::load
