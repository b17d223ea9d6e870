// SPDX-License-Identifier: Apache-2.0
// What is wrong with a zone's text and what would be right, each with its place. Control plane; knows no DNS.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice::dns {

struct Complaint {
  enum class Weight : uint8_t { Warning, Error };

  std::string file;
  uint32_t line = 0;    // from 1; 0: the file as a whole
  uint32_t column = 0;  // from 1, in octets; 0: the line as a whole
  std::string wrong;
  std::string right;
  Weight weight = Weight::Error;

  // "file:line:column: what is wrong; what would be right", without what is 0 or empty.
  std::string text() const {
    std::string s = file;
    if (line != 0) s += ':' + std::to_string(line);
    if (line != 0 && column != 0) s += ':' + std::to_string(column);
    s += weight == Weight::Warning ? ": warning: " : ": ";
    s += wrong;
    if (!right.empty()) s += "; " + right;
    return s;
  }
};

// In the order found. Beyond `most` of one weight they are only counted: a gigabyte of garbage makes a short
// report.
class Complaints {
 public:
  static constexpr size_t most = 100;

  void add(Complaint c) {
    size_t& n = c.weight == Complaint::Weight::Error ? errors_ : warnings_;
    if (n++ < most) list_.push_back(std::move(c));
  }
  const std::vector<Complaint>& list() const { return list_; }
  size_t errors() const { return errors_; }
  size_t warnings() const { return warnings_; }
  bool ok() const { return errors_ == 0; }

 private:
  std::vector<Complaint> list_;
  size_t errors_ = 0, warnings_ = 0;
};

}  // namespace sluice::dns
