#include "../tbb_pipeline.hpp"

int main(int argc, char** argv) {
    bench::register_pipelines<bench::AsTheyCome>("unordered_results", tbb::filter_mode::serial_out_of_order);
    return bench::run(argc, argv, bench::tbb_version());
}
