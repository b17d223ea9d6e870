// SPDX-License-Identifier: Apache-2.0
// A folder's files, read once into a Content. Control thread only: it waits for the disk.
#pragma once

#include <string>
#include <vector>

#include "http/options.h"
#include "serve/content.h"

namespace sluice::serve {

// Adds every regular file below `root` under its path, index.html also under its folder's ("/a/"), and a
// redirect from each folder's name without the last slash (301). Names that start with a dot are not served,
// but for
// /.well-known (RFC 8615). A symbolic link is served when it leads to a regular file inside `root`. Returns
// what is wrong, one text each: whatever cannot be read, leads out of `root`, is no file, or is over
// file_max, content_max or files_max; empty: all is served.
std::vector<std::string> load_folder(const std::string& root, const http::Options&, Content&);

// The same complaints, but for those about memory, without reading a file.
std::vector<std::string> check_folder(const std::string& root, const http::Options&);

}  // namespace sluice::serve
