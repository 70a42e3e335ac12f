#pragma once

#include "io/certificate.hpp"
#include "io/loopback.hpp"
#include "io/processes.hpp"

#include <frond/this_task.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>

namespace frond::test {

/// A real nginx on free loopback ports, for HTTP and TLS, with a folder of its own. Throws what nginx says if
/// it cannot be started.
class Nginx {
public:
    Nginx() {
        std::filesystem::create_directory(folder_ / "root");
        // Another process may take a port between its choice and nginx's start.
        for (int attempt = 0; attempt < 5; ++attempt) {
            http_ = dead_endpoint();
            do tls_ = dead_endpoint();
            while (tls_ == http_);
            write("nginx.conf", configuration());
            process_.emplace(std::vector<std::string>{"nginx", "-p", (folder_ / "").string(), "-c",
                                                      (folder_ / "nginx.conf").string(), "-e",
                                                      (folder_ / "error.log").string()});
            if (answers(http_) && answers(tls_)) return;
        }
        throw std::runtime_error{"nginx could not be started (package nginx-light): " + log()};
    }

    void put(std::string const& name, std::string const& text) { write("root/" + name, text); }

    boost::asio::ip::tcp::endpoint const& http() const { return http_; }
    boost::asio::ip::tcp::endpoint const& tls() const { return tls_; }
    std::string certificate() const { return certificate_.certificate().string(); }

private:
    void write(std::string const& name, std::string const& text) {
        std::ofstream{folder_ / name, std::ios::binary} << text;
    }

    std::string log() const {
        std::ostringstream text;
        text << std::ifstream{folder_ / "error.log"}.rdbuf();
        return text.str();
    }

    std::string configuration() const {
        auto const in_folder = [this](char const* name) { return (folder_ / name).string(); };
        std::ostringstream text;
        text << "daemon off; master_process off; pid " << in_folder("pid") << "; error_log "
             << in_folder("error.log")
             << ";\nevents { worker_connections 1000; }\nhttp { access_log off; keepalive_requests 100000;\n";
        for (char const* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
            text << kind << "_temp_path " << in_folder(kind) << ";\n";
        text << "server { listen " << http_ << "; root " << in_folder("root") << "; }\nserver { listen "
             << tls_ << " ssl; root " << in_folder("root") << "; ssl_certificate "
             << certificate_.certificate().string() << "; ssl_certificate_key " << certificate_.key().string()
             << "; }\n}\n";
        return text.str();
    }

    bool answers(boost::asio::ip::tcp::endpoint const& where) {
        auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (!process_->has_ended() && std::chrono::steady_clock::now() < deadline) {
            boost::system::error_code error;
            boost::asio::ip::tcp::socket{io_context()}.connect(where, error);
            if (!error) return true;
            sleep_for(std::chrono::milliseconds{10});
        }
        return false;
    }

    TemporaryFolder folder_;
    Certificate certificate_;
    boost::asio::ip::tcp::endpoint http_;
    boost::asio::ip::tcp::endpoint tls_;
    std::optional<ChildProcess> process_;
};

} // namespace frond::test
