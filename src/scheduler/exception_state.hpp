#pragma once

#include <boost/version.hpp>

#include <cxxabi.h>

namespace frond::inline v0::detail {

/// What the C++ runtime keeps a thread about exceptions: the stack of caught ones and how many are in flight
/// (Itanium C++ ABI; libstdc++ and libc++abi agree on the layout).
struct ExceptionState {
    void* caught = nullptr;
    unsigned int uncaught = 0;
};

/// Boost.Context swaps the state itself from 1.88 on; doing it twice would corrupt it.
inline constexpr bool swaps_exception_state = BOOST_VERSION < 108800;

/// The calling thread's, for as long as it lives.
inline ExceptionState* thread_exception_state() noexcept {
    return reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals());
}

/// Saves the running fiber's state, which is the thread's, in `from` and installs `to`.
inline void switch_exception_state(ExceptionState& from, ExceptionState& to, ExceptionState* now) noexcept {
    if constexpr (swaps_exception_state) {
        from.caught = now->caught;
        from.uncaught = now->uncaught;
        now->caught = to.caught;
        now->uncaught = to.uncaught;
    }
}

} // namespace frond::inline v0::detail
