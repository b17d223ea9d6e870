// SPDX-License-Identifier: Apache-2.0
// SIGINT, SIGTERM and SIGHUP as something to wait for. Blocks them for the calling thread and all threads it
// makes from then on.
#pragma once

#include <pthread.h>
#include <signal.h>

#include "base/instant.h"

namespace sluice::app {

class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    signal(SIGPIPE, SIG_IGN);  // a scrape that goes away is no reason to end
  }
  // Sleeps until one of them comes, and returns its number, or for so long, and returns 0.
  int wait(Duration most) const {
    const timespec t{most.ns / 1'000'000'000, most.ns % 1'000'000'000};
    const int number = sigtimedwait(&set_, nullptr, &t);
    return number > 0 ? number : 0;
  }

 private:
  sigset_t set_;
};

}  // namespace sluice::app
