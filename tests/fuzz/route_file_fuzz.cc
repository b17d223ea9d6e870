// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file of routes: routes without host bits whose ways are there, or complaints with a place in
// the file.
#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "config/route_file.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = as_text({data, size});
  std::vector<config::Complaint> complaints;
  const config::RouteFile file = config::parse_route_file(text, "f", complaints);
  const auto lines = static_cast<size_t>(std::ranges::count(text, '\n')) + 1;
  check(complaints.size() <= config::route_file_complaints_max + 1, "complaints are bounded");
  for (const config::Complaint& c : complaints) {
    check(c.line >= 1 && static_cast<size_t>(c.line) <= lines + 1 && c.column >= 1,
          "a complaint lies in the file");
    check(static_cast<size_t>(c.column) <= size + 1, "and in its line");
    check(!c.wrong.empty() && !c.right.empty(), "a complaint says what is wrong and what would be right");
  }
  for (const config::RouteFile::Entry& e : file.routes) {
    check(e.way < file.ways.size() && e.line >= 1 && e.line <= lines, "a route has a way and a line");
    const auto again = parse_prefix(to_text(e.to));
    check(again && *again == e.to, "a destination is a prefix");
    const config::RouteWay& w = file.ways[e.way];
    check((w.kind == config::RouteKind::Forward) == !w.hops.empty(), "what is sent on has a way");
  }
  return 0;
}
