// SPDX-License-Identifier: Apache-2.0
// sluice-load, the command: reads its words, runs the load on one core, says what came of it.
#include <csignal>
#include <iostream>

#include "app/load/session.h"
#include "app/load/words.h"

int main(int argc, char** argv) {
  auto words = sluice::load::read_words(argc, argv);
  if (const int* code = std::get_if<int>(&words)) return *code;
  return sluice::load::run(std::get<sluice::load::Plan>(words));
}
