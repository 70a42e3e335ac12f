#pragma once

#include "io/processes.hpp"

#include <filesystem>
#include <stdexcept>

namespace frond::test {

/// A self-signed certificate for "localhost", valid for two days, made by the openssl program.
class Certificate {
public:
    Certificate() {
        ChildProcess openssl{{"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                              "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                              "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                              "-keyout", key().string(), "-out", certificate().string()}};
        if (openssl.wait() != 0) throw std::runtime_error{"'openssl req' failed: is openssl installed?"};
    }

    std::filesystem::path key() const { return folder_ / "key.pem"; }
    std::filesystem::path certificate() const { return folder_ / "certificate.pem"; }

private:
    TemporaryFolder folder_;
};

} // namespace frond::test
