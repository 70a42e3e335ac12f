#pragma once

#include "support/model_program.hpp"

#include <cstdint>
#include <string>

namespace frond::test {

/// Runs a program on the calling thread, which must have no other work, and compares what happens with the
/// oracle. @return what went wrong, one complaint a line; empty if nothing did
std::string run_and_compare(Program const& p);

} // namespace frond::test
