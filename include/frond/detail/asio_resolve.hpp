#pragma once

#include <frond/detail/asio_operation.hpp>

#include <atomic>
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/ip/basic_resolver_query.hpp>
#include <boost/asio/ip/basic_resolver_results.hpp>
#include <boost/system/error_code.hpp>

namespace frond::inline v0::detail {

template <class Question, class Protocol>
concept Resolvable = std::same_as<Question, boost::asio::ip::basic_resolver_query<Protocol>> ||
                     std::same_as<Question, typename Protocol::endpoint>;

/// Whether an operation with the given signature and arguments of its initiation is one of Asio's resolver:
/// getaddrinfo in a thread of Asio's, which nothing can interrupt. It has copies of all that it needs.
template <class Signature, class... Args>
inline constexpr bool is_resolution = false;
template <class Protocol, class Question>
inline constexpr bool is_resolution<
    void(boost::system::error_code, boost::asio::ip::basic_resolver_results<Protocol>), Question> =
    Resolvable<Question, Protocol>;

/// An operation whose fiber goes on at once if it has to, and whose result is dropped then, whenever and on
/// whichever thread it comes.
template <class... T>
class Resolution : public FiberOperation<T...> {
public:
    /// Belongs to the fiber and to the handler: the first to claim it decides.
    struct Fate {
        Resolution* operation; ///< for the handler that has claimed it
        std::atomic<bool> claimed{false};

        explicit Fate(Resolution& o) noexcept : operation{&o} {}
        bool claim() noexcept { return !claimed.exchange(true, std::memory_order_acq_rel); }
    };

    std::shared_ptr<Fate> const& fate() const noexcept { return fate_; }

    void wait() noexcept {
        this->set_end(IoWait::wait(
            [](IoWait& self) noexcept { return static_cast<Resolution&>(self).fate_->claim(); }));
    }

private:
    std::shared_ptr<Fate> fate_ = std::make_shared<Fate>(*this);
};

/// `A`: the handler's arguments as the signature has them.
template <class... A>
class ResolutionHandler {
public:
    using Operation = Resolution<std::decay_t<A>...>;

    explicit ResolutionHandler(Operation& operation) : fate_{operation.fate()} {}
    ResolutionHandler(ResolutionHandler&&) noexcept = default;
    ResolutionHandler& operator=(ResolutionHandler&& other) noexcept {
        fate_.swap(other.fate_);
        return *this;
    }
    ~ResolutionHandler() {
        if (fate_ && fate_->claim()) fate_->operation->abandon();
    }

    void operator()(A... args) noexcept {
        auto const fate = std::move(fate_);
        if (fate->claim()) fate->operation->complete(std::forward<A>(args)...);
    }

private:
    std::shared_ptr<typename Operation::Fate> fate_;
};

} // namespace frond::inline v0::detail
