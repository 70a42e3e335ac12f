/// serve: gives a tree of files by HTTP on the loopback interface, as slowly as asked for.

#include "server.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
    crawl::FileServer::Options options;
    int latency = 0;
    CLI::App app{"Serves a tree of files on http://127.0.0.1, for trying out crawlers.", "serve"};
    app.add_option("DIRECTORY", options.root, "The root of the tree")
        ->required()
        ->check(CLI::ExistingDirectory);
    app.add_option("--port", options.port, "Port to listen on; 0 takes a free one")->capture_default_str();
    app.add_option("--latency", latency, "Milliseconds that each request waits for its answer")
        ->check(CLI::Range(0, 3'600'000))
        ->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    options.latency = std::chrono::milliseconds{latency};
    try {
        crawl::FileServer server{std::move(options)};
        // Flushed, because a script may be waiting for this line at the end of a pipe.
        std::cout << "listening on http://127.0.0.1:" << server.port() << '/' << std::endl;
        server.run();
    } catch (std::exception const& e) {
        std::cerr << "serve: " << e.what() << '\n';
        return 1;
    }
}
