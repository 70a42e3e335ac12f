#include "interrupts.hpp"

#include <frond/asio.hpp>

#include <cstdio>

#include <signal.h>

namespace crawl {

namespace {

bool is_ignored(int signal) {
    struct sigaction action{};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

} // namespace

Interrupts::Interrupts(bool over_progress) : over_progress_{over_progress}, signals_{frond::io_context()} {
    for (int const signal : {SIGINT, SIGTERM}) {
        if (!is_ignored(signal)) signals_.add(signal);
    }
    watch_.spawn({.name = "signals"}, [this] { watch(); });
}

Interrupts::~Interrupts() {
    watch_.cancel();
    if (first_ == 0) return;
    signals_.clear(); // by itself it would restore the default after us
    for (int const signal : {SIGINT, SIGTERM}) ::signal(signal, SIG_IGN);
}

void Interrupts::watch() {
    first_ = signals_.async_wait(frond::use_fiber);
    wind_down_.request_stop();
    say("interrupted; finishing what is under way, once more to drop that, too");
    signals_.async_wait(frond::use_fiber);
    give_up_.request_stop();
    say("interrupted again; dropping what is under way");
}

void Interrupts::say(char const* what) const {
    std::fprintf(stderr, "%scrawl: %s\n", over_progress_ ? "\r\x1b[K" : "", what);
}

} // namespace crawl
