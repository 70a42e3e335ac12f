#include "connection.hpp"

#include <boost/asio/ip/address.hpp>
#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace crawl {

namespace ssl = boost::asio::ssl;

ssl::context make_tls_context(bool insecure) {
    ssl::context tls{ssl::context::tls_client};
    tls.set_default_verify_paths();
    tls.set_verify_mode(insecure ? ssl::verify_none : ssl::verify_peer);
    return tls;
}

void set_server_name(SSL* ssl, Url const& url, error_code& ec) {
    error_code not_an_address;
    boost::asio::ip::make_address(url.host(), not_an_address);
    auto* const verification = SSL_get0_param(ssl);
    bool const done = not_an_address
                          ? SSL_set_tlsext_host_name(ssl, url.host().c_str()) == 1 &&
                                X509_VERIFY_PARAM_set1_host(verification, url.host().c_str(), 0) == 1
                          : X509_VERIFY_PARAM_set1_ip_asc(verification, url.host().c_str()) == 1;
    if (!done) ec.assign(static_cast<int>(ERR_get_error()), boost::asio::error::get_ssl_category());
}

} // namespace crawl
