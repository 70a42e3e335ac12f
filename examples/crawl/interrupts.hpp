#pragma once

#include <frond/group.hpp>

#include <stop_token>

#include <boost/asio/signal_set.hpp>

namespace crawl {

/// What Ctrl-C means while this lives: the first SIGINT or SIGTERM stops `wind_down`, the second `give_up`,
/// and says so on stderr. Further ones do nothing, to the end of the process, so that a nervous hand does not
/// cost the report. A signal
/// that the program was started to ignore, as by nohup, it goes on to ignore.
///
/// A fiber waits for the signals, on the thread that made this: it notices them only while that thread waits
/// in frond. The destructor cancels it.
class Interrupts {
public:
    /// @param over_progress whether stderr shows a progress line, which a message must wipe away
    explicit Interrupts(bool over_progress);
    Interrupts(Interrupts const&) = delete;
    Interrupts& operator=(Interrupts const&) = delete;
    ~Interrupts();

    std::stop_token wind_down() const { return wind_down_.get_token(); }
    std::stop_token give_up() const { return give_up_.get_token(); }
    /// Gives the first signal that came; 0 if none has.
    int first() const { return first_; }

private:
    void watch();
    void say(char const* what) const;

    bool over_progress_;
    std::stop_source wind_down_;
    std::stop_source give_up_;
    int first_ = 0;
    boost::asio::signal_set signals_;
    frond::Group watch_; // last, so that it ends first
};

} // namespace crawl
