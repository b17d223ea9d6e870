// SPDX-License-Identifier: Apache-2.0
#include "base/counters.h"

namespace sluice {
namespace {

constexpr CounterInfo labelled(const char* metric, const char* label, const char* value, const char* help) {
  if (label[0] == '\0') return {metric, {nullptr, nullptr, nullptr, nullptr}, help, false};
  return {metric, {label, value, nullptr, nullptr}, help, false};
}

constexpr CounterInfo table[] = {
#define DROP(room, reason, help) {"sluice_drops_total", {"room", #room, "reason", #reason}, help, true},
#define COUNT(id, metric, label, value, help) labelled(metric, label, value, help),
#include "base/counters.def"
#undef DROP
#undef COUNT
};
static_assert(std::size(table) == counter_count);

}  // namespace

std::span<const CounterInfo> counter_table() { return table; }

}  // namespace sluice
