// The program `weir`: parses the command line, runs the command, prints its failure.
// Thread rule: main thread.
#pragma once

#include <string>

#include "controller/ctl/command.h"

namespace weir::ctl {

// The process's exit code (see ExitCode). `version` without a "v", e.g. "0.1.0".
int RunWeir(int argc, const char* const* argv, const std::string& version, Streams streams);

}  // namespace weir::ctl
