// The command mkqdisk(8): options in, exit code out.
//
// Promise: nothing is written before all refusals were considered and the user agreed.
// Errors:  to err, with what to do. Exit codes: 0 done (also when the user declined, as the Red Hat
//          Cluster Suite's does), 1 failed, refused or not found, 2 wrong usage.
#pragma once
#include <istream>
#include <ostream>
#include <string>
#include <vector>

#include "qdiskd/mkqdisk/create.h"

namespace fencepost::qdiskd::mkqdisk {

struct Io {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Duration watch = kWatch;  // how long a used disk is watched for a sign of life
};

int Run(const std::vector<std::string>& arguments, Io& io);

}  // namespace fencepost::qdiskd::mkqdisk
