// mkqdisk: makes and lists quorum disks.
#include <iostream>

#include "qdiskd/mkqdisk/mkqdisk.h"

int main(int argc, char** argv) {
  fencepost::qdiskd::mkqdisk::Io io{std::cin, std::cout, std::cerr};
  return fencepost::qdiskd::mkqdisk::Run({argv + (argc > 0 ? 1 : 0), argv + argc}, io);
}
