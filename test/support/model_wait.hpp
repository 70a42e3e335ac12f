#pragma once

#include "support/model_oracle.hpp"

#include <cstdint>
#include <string_view>

namespace frond::test {

/// One wait of a task, from its beginning to its end: whether it may throw `Cancelled`, or has to. What comes
/// first counts: the cancellation or what it waits for.
class Oracle::Wait {
public:
    enum class For : std::uint8_t {
        task,
        task_briefly,
        run,       ///< a task that is cancelled with the waiter
        admission, ///< a task's slot; the same
        group,
        others,     ///< the group's other tasks
        destructor, ///< of a group
        time
    };

    /// @param index of the task or group @param doubtful whether what it waits for may come while it begins
    Wait(Oracle& oracle, std::uint32_t me, For what, std::uint32_t index = 0, bool doubtful = false);
    Wait(Wait const&) = delete;
    Wait& operator=(Wait const&) = delete;
    ~Wait();

    void returned();
    void threw(std::string_view reason);
    bool has_come() const { return came_; }
    bool must_throw() const { return cut_; }
    bool may_throw() const { return cut_ || may_be_cut_; }

private:
    friend class Oracle;

    bool is_for_task(std::uint32_t task) const;
    bool is_for_group(std::uint32_t group) const;
    bool has_come_by_now() const;
    /// Whether it may end at any time, for reasons that are not in the books.
    bool is_vague() const {
        return what_ == For::time || what_ == For::admission || what_ == For::task_briefly;
    }
    /// The task was cancelled, or may be.
    void interrupt(Verdict certainty);
    void pass_on(Verdict certainty);

    Oracle& oracle_;
    std::uint32_t const me_;
    For const what_;
    std::uint32_t const index_;
    int const uncaught_;
    bool came_ = false;
    bool cut_ = false;
    bool may_be_cut_ = false;
};

} // namespace frond::test
