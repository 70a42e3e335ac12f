#include "../tbb_pipeline.hpp"

int main(int argc, char** argv) {
    bench::register_pipelines<bench::InOrder>("ordered_results", tbb::filter_mode::serial_in_order);
    return bench::run(argc, argv, bench::tbb_version());
}
