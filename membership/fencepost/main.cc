// The operator's command: options in, exit code out.
#include <iostream>

#include "membership/fencepost/commands.h"

int main(int argc, char** argv) {
  namespace command = fencepost::command;
  command::Io io{std::cout, std::cerr};
  return command::RunCommand(command::Commands(), {argv + (argc > 0 ? 1 : 0), argv + argc}, io);
}
