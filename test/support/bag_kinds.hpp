#pragma once

#include <frond/bag.hpp>
#include <frond/ordered_bag.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace frond::test {

enum class BagKind : std::uint8_t { bag, ordered };

/// Names a class template as an argument.
template <template <class> class B>
struct Of {
    static constexpr bool is_ordered = false;
};
template <>
struct Of<OrderedBag> {
    static constexpr bool is_ordered = true;
};

/// The body of a test runs with `Of<Bag>` or `Of<OrderedBag>`, on a plain thread (0) or as a task of a
/// runtime of so many threads.
class BagsTest : public testing::TestWithParam<std::tuple<std::size_t, BagKind>> {
protected:
    static std::size_t threads() { return std::get<std::size_t>(GetParam()); }

    template <class F>
    static void run(F const& body) {
        auto const call = [&body] {
            if (std::get<BagKind>(GetParam()) == BagKind::ordered)
                body(Of<OrderedBag>{});
            else
                body(Of<Bag>{});
        };
        if (threads() == 0)
            call();
        else
            Runtime{{.threads = threads()}}.run(call);
    }
};

inline auto every_bag() {
    return testing::Combine(testing::Values(0, 1, 2, 4), testing::Values(BagKind::bag, BagKind::ordered));
}
inline std::string name_of_bag(testing::TestParamInfo<std::tuple<std::size_t, BagKind>> const& info) {
    return (std::get<BagKind>(info.param) == BagKind::ordered ? "Ordered" : "Bag") +
           std::to_string(std::get<std::size_t>(info.param));
}

/// What is left in it, to the end.
template <class AnyBag>
std::vector<typename AnyBag::value_type> rest_of(AnyBag& bag) {
    std::vector<typename AnyBag::value_type> items;
    while (auto item = bag.next()) items.push_back(*std::move(item));
    return items;
}

/// Lets all others have many turns: what could start now has started then, where there is one thread.
inline void take_turns(int turns = 50) {
    for (int i = 0; i < turns; ++i) this_task::yield();
}

} // namespace frond::test
