#include "support/parallel_model.hpp"

#include "support/model_program.hpp"
#include "support/parallel_circles.hpp"
#include "support/parallel_extras.hpp"
#include "support/parallel_run.hpp"

#include <sstream>

namespace frond::test {

std::string run_in_parallel(std::uint64_t seed, std::size_t threads) {
    auto const program = random_program(seed);
    return ParallelRun{program, threads}.go();
}

std::string run_circles_in_parallel(std::uint64_t seed, std::size_t threads) {
    return Circles{seed, threads}.go();
}

std::string describe_parallel(std::uint64_t seed) {
    auto const program = random_program(seed);
    std::ostringstream text;
    text << program << Extras{program} << '\n';
    return text.str();
}

} // namespace frond::test
