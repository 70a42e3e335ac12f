#include "support/model.hpp"

#include "support/model_run.hpp"

namespace frond::test {

std::string run_and_compare(Program const& p) { return ModelRun{p}.go(); }

} // namespace frond::test
