// Bare Boost.Fiber in its several shapes: how a fiber starts and where its stack comes from.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/fixedsize_stack.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>
#include <boost/version.hpp>

namespace bench {

inline constexpr std::size_t small_stack = 16 * 1024;

template <boost::fibers::launch Policy, class StackAllocator>
class FiberSpawner {
public:
    explicit FiberSpawner(StackAllocator stacks) : stacks_(stacks) {}

    template <class F>
    boost::fibers::fiber operator()(F task) {
        return {Policy, std::allocator_arg, stacks_, task};
    }

private:
    StackAllocator stacks_;
};

// The fiber is queued and runs when its parent waits, as in the other libraries here.
inline auto queued_default_stack() {
    return FiberSpawner<boost::fibers::launch::post, boost::fibers::fixedsize_stack>{{}};
}
inline auto queued_small_stack() {
    return FiberSpawner<boost::fibers::launch::post, boost::fibers::fixedsize_stack>{
        boost::fibers::fixedsize_stack{small_stack}};
}
inline auto queued_pooled_stack() {
    return FiberSpawner<boost::fibers::launch::post, boost::fibers::pooled_fixedsize_stack>{
        boost::fibers::pooled_fixedsize_stack{small_stack}};
}

// The fiber runs at once and its parent goes on when it ends or blocks: fewer stacks live at a time.
inline auto at_once_small_stack() {
    return FiberSpawner<boost::fibers::launch::dispatch, boost::fibers::fixedsize_stack>{
        boost::fibers::fixedsize_stack{small_stack}};
}

inline std::string boost_version() { return "Boost " BOOST_LIB_VERSION; }

} // namespace bench
