// Counts what the whole program takes from the heap.

#include <frond/asio.hpp>

#include "io/loopback.hpp"
#include "support/scale.hpp"

#include <frond/cancel.hpp>
#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <new>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#if defined(__has_feature)
#define FROND_HAS_FEATURE(x) __has_feature(x)
#else
#define FROND_HAS_FEATURE(x) 0
#endif

namespace {
std::atomic<std::size_t> allocations{0};
}

#if FROND_HAS_FEATURE(address_sanitizer) || FROND_HAS_FEATURE(thread_sanitizer) ||                           \
    defined(__SANITIZE_ADDRESS__)

// The sanitizers have their own operator new, and a hook instead.
#include <sanitizer/allocator_interface.h>

namespace {
[[maybe_unused]] int const hooked = __sanitizer_install_malloc_and_free_hooks(
    [](void const volatile*, std::size_t) { allocations.fetch_add(1, std::memory_order_relaxed); },
    [](void const volatile*) {});
} // namespace

#else

namespace {
void* counted(void* p) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    return p ? p : throw std::bad_alloc{};
}
} // namespace

// Not inlined: gcc would see free() meet an operator new that it takes for another one.
[[gnu::noinline]] void* operator new(std::size_t n) { return counted(std::malloc(n > 0 ? n : 1)); }
[[gnu::noinline]] void* operator new[](std::size_t n) { return counted(std::malloc(n > 0 ? n : 1)); }
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t a) {
    auto const alignment = static_cast<std::size_t>(a);
    return counted(std::aligned_alloc(alignment, (n + alignment - 1) / alignment * alignment));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

#endif

namespace asio = boost::asio;
using frond::io_context;
using frond::use_fiber;

namespace {

/// How many allocations 10,000 calls of @p operation make, once it is warm.
template <class F>
std::size_t allocations_of(F operation) {
    for (int i = 0; i < 100; ++i) operation();
    auto const before = allocations.load();
    for (std::size_t n = frond::test::scaled(10'000); n > 0; --n) operation();
    return allocations.load() - before;
}

TEST(UseFiberAllocations, CountSeesTheHeap) {
    EXPECT_GE(allocations_of([] { ::operator delete(::operator new(1)); }), frond::test::scaled(10'000));
}

TEST(UseFiberAllocations, AreNoneForReadsAndWrites) {
    auto [ours, theirs] = frond::test::connected_pair();
    frond::Group group;
    group.spawn([&socket = theirs] {
        std::array<char, 64> bytes;
        boost::system::error_code ec;
        while (!ec) {
            std::size_t const n = socket.async_read_some(asio::buffer(bytes), use_fiber[ec]);
            if (!ec) socket.async_write_some(asio::buffer(bytes, n), use_fiber[ec]);
        }
    });
    EXPECT_EQ(allocations_of([&socket = ours] {
                  std::array<char, 64> bytes{};
                  asio::async_write(socket, asio::buffer(bytes), use_fiber);
                  asio::async_read(socket, asio::buffer(bytes), use_fiber);
              }),
              0U);
    ours.close();
    group.join();
}

/// Calls @p operation in a task, which could be cancelled, and under a deadline.
template <class F>
std::size_t allocations_where_it_may_be_stopped(F operation) {
    frond::Group group;
    return group.run([&] {
        return frond::with_timeout(std::chrono::hours{1}, [&] { return allocations_of(operation); });
    });
}

TEST(UseFiberAllocations, AreNoneForSingleOperationsThatMayBeStopped) {
    auto [ours, theirs] = frond::test::connected_pair();
    asio::steady_timer timer{io_context()};
    EXPECT_EQ(allocations_where_it_may_be_stopped([&, &from = ours, &to = theirs] {
                  std::array<char, 64> bytes{};
                  from.async_write_some(asio::buffer(bytes), use_fiber);
                  to.async_read_some(asio::buffer(bytes), use_fiber);
                  timer.expires_after(std::chrono::microseconds{1});
                  timer.async_wait(use_fiber);
                  asio::post(io_context(), use_fiber);
              }),
              0U);
}

/// It is Asio's, and may come from `aligned_alloc`, which only the sanitizers' hook sees.
TEST(UseFiberAllocations, AreOneForAComposedOperationThatMayBeStopped) {
    auto [ours, theirs] = frond::test::connected_pair();
    EXPECT_LE(allocations_where_it_may_be_stopped([&from = ours, &to = theirs] {
                  std::array<char, 64> bytes{};
                  asio::async_write(from, asio::buffer(bytes), use_fiber);
                  asio::async_read(to, asio::buffer(bytes), use_fiber);
              }),
              2 * frond::test::scaled(10'000));
}

TEST(UseFiberAllocations, AreNoneForTimersAndPosts) {
    asio::steady_timer timer{io_context()};
    EXPECT_EQ(allocations_of([&] {
                  timer.expires_after(std::chrono::microseconds{1});
                  timer.async_wait(use_fiber);
                  asio::post(io_context(), use_fiber);
              }),
              0U);
}

TEST(UseFiberAllocations, AreNoneForSleepsInAsio) {
    io_context();
    EXPECT_EQ(allocations_of([] { frond::sleep_for(std::chrono::microseconds{1}); }), 0U);
}

} // namespace
