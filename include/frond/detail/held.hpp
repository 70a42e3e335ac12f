#pragma once

#include <functional>
#include <type_traits>
#include <variant>

namespace frond::inline v0::detail {

/// Where a result is kept: references as pointers, `void` as nothing.
template <class R>
using Held = std::conditional_t<
    std::is_void_v<R>, std::monostate,
    std::conditional_t<std::is_reference_v<R>, std::reference_wrapper<std::remove_reference_t<R>>, R>>;

} // namespace frond::inline v0::detail
