// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM as something to wait for. Blocks them for the calling thread and all threads it makes from then on.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace sluice::app {

class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    signal(SIGPIPE, SIG_IGN);  // a scrape that goes away is no reason to end
  }
  // Sleeps until one of them comes; returns its number.
  int wait() const {
    int number = 0;
    while (sigwait(&set_, &number) != 0) {
    }
    return number;
  }

 private:
  sigset_t set_;
};

}  // namespace sluice::app
