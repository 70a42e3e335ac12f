#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>

namespace frond::test {

/// A single-pass range in the manner of a generator: only an iterator that cannot be copied, and an end.
template <class Next>
class Generated {
public:
    class Iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = int;
        using difference_type = std::ptrdiff_t;
        explicit Iterator(Generated& from) : from_{&from} { ++*this; }
        Iterator(Iterator&&) = default;
        Iterator& operator=(Iterator&&) = default;
        int operator*() const { return value_; }
        Iterator& operator++() {
            value_ = (*from_->next_)();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(Iterator const& i, std::default_sentinel_t) { return i.value_ < 0; }

    private:
        Generated* from_;
        int value_ = 0;
    };

    /// `next` gives the elements, and a negative number at the end.
    explicit Generated(Next next) : next_{std::make_unique<Next>(std::move(next))} {}
    Generated(Generated&&) = default;
    Generated& operator=(Generated&&) = default;
    Iterator begin() { return Iterator{*this}; }
    std::default_sentinel_t end() const { return {}; }

private:
    std::unique_ptr<Next> next_; // a range must be assignable, and a lambda may not be
};

} // namespace frond::test
