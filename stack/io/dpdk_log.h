// SPDX-License-Identifier: Apache-2.0
// Catches what DPDK and its drivers print, so that it is shown only where it explains a failure. Control
// thread.
#pragma once

#include <rte_log.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace sluice::io {

// While one lives, DPDK's log goes into it; afterwards it goes to stderr. Not to be nested.
class DpdkLog {
 public:
  DpdkLog() : file_{open_memstream(&text_, &size_)} {
    if (file_ != nullptr) rte_openlog_stream(file_);
  }
  ~DpdkLog() {
    rte_openlog_stream(stderr);
    if (file_ != nullptr) std::fclose(file_);
    std::free(text_);
  }
  DpdkLog(const DpdkLog&) = delete;
  DpdkLog& operator=(const DpdkLog&) = delete;

  // `why`, and below it what was said so far.
  std::string explain(std::string why) {
    if (file_ == nullptr) return why;
    std::fflush(file_);
    if (size_ != 0) why.append("\nDPDK says:\n").append(text_, size_);
    while (why.ends_with('\n')) why.pop_back();
    return why;
  }

 private:
  char* text_ = nullptr;
  size_t size_ = 0;
  FILE* file_;
};

}  // namespace sluice::io
