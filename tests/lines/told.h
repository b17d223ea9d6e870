// SPDX-License-Identifier: Apache-2.0
// What the recorder is told, by the compiler's calls (told.cc) and by the heap (heap.cc).
//
// These files are built without what they are there to see, and out of nothing that the code under test is
// built of too: of an inline function that both have the linker keeps one, which might be the one that tells
// nothing.
#pragma once

#include <cstddef>

namespace sluice::test::writes {

void stored(const void* to, size_t octets, const void* where);
void took(const void* block, size_t size, size_t align, const void* where);
void gave(const void* block);

}  // namespace sluice::test::writes
