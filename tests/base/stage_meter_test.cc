// SPDX-License-Identifier: Apache-2.0
#include "base/stage_meter.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

uint64_t now = 0;
uint64_t reads = 0;
uint64_t clock_in_hand() { return ++reads, now; }

class StageMeterTest : public ::testing::Test {
 protected:
  StageMeterTest() { reads = 0; }
  void on(bool yes = true) {
    meter.switch_on(yes);
    meter.turn();
  }
  uint64_t ticks(Stage s) const { return meter[s].ticks; }

  StageMeter meter{clock_in_hand};
};

TEST_F(StageMeterTest, ASwitchedOffMeterReadsNoClockAndCountsNothing) {
  meter.turn();
  {
    const StageMeter::In stage{&meter, Stage::Rx, 3};
  }
  EXPECT_EQ(reads, 0u);
  EXPECT_EQ(meter[Stage::Rx].calls, 0u);
  EXPECT_EQ(meter[Stage::Rx].items, 0u);
}

TEST_F(StageMeterTest, NoMeterIsFine) {
  StageMeter::In stage{nullptr, Stage::Rx, 3};
  stage.rather(Stage::Link, 1);
  stage.more(1);
}

TEST_F(StageMeterTest, AStageGetsItsTimeWithoutThatOfTheStagesItCalls) {
  on();
  now += 1;
  {
    const StageMeter::In udp{&meter, Stage::Udp, 4};
    now += 10;
    {
      const StageMeter::In dns{&meter, Stage::Dns, 3};
      now += 100;
    }
    now += 20;
  }
  now += 5;
  meter.switch_on(false);
  meter.turn();
  EXPECT_EQ(ticks(Stage::Rest), 6u);
  EXPECT_EQ(ticks(Stage::Udp), 30u);
  EXPECT_EQ(ticks(Stage::Dns), 100u);
  EXPECT_EQ(meter[Stage::Udp].items, 4u);
  EXPECT_EQ(meter[Stage::Dns].calls, 1u);
}

TEST_F(StageMeterTest, AStageMayFindOutLateWhatItWas) {
  on();
  {
    StageMeter::In stage{&meter, Stage::EmptyPoll};
    now += 7;
    stage.rather(Stage::Rx, 32);
    stage.more(1);
  }
  EXPECT_EQ(ticks(Stage::EmptyPoll), 0u);
  EXPECT_EQ(meter[Stage::EmptyPoll].calls, 0u);
  EXPECT_EQ(ticks(Stage::Rx), 7u);
  EXPECT_EQ(meter[Stage::Rx].calls, 1u);
  EXPECT_EQ(meter[Stage::Rx].items, 33u);
}

TEST_F(StageMeterTest, SwitchingTakesEffectAtATurnAndNeverWithinOne) {
  meter.turn();
  {
    const StageMeter::In before{&meter, Stage::Link, 1};
    meter.switch_on(true);
    const StageMeter::In within{&meter, Stage::Ip, 1};
    now += 9;
  }
  EXPECT_EQ(ticks(Stage::Link) + ticks(Stage::Ip), 0u);
  on();
  meter.switch_on(false);
  {
    const StageMeter::In still{&meter, Stage::Link, 1};
    now += 9;
  }
  EXPECT_EQ(ticks(Stage::Link), 9u);
  meter.turn();
  now += 50;  // off: nobody's
  on();
  {
    const StageMeter::In again{&meter, Stage::Link, 1};
  }
  EXPECT_EQ(ticks(Stage::Rest), 0u);
  EXPECT_EQ(ticks(Stage::Link), 9u);
}

}  // namespace
}  // namespace sluice
