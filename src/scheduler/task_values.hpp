#pragma once

#include <frond/detail/task_value.hpp>

#include <cstdint>
#include <vector>

namespace frond::inline v0::detail {

/// The `Local`s and `Inherited`s of one task, or of a fiber that runs none. Few: they are searched one by
/// one.
class TaskValues {
public:
    TaskValues() noexcept = default;
    TaskValues(TaskValues const&) = delete;
    TaskValues& operator=(TaskValues const&) = delete;
    ~TaskValues() { clear(); }

    void* find(std::uint64_t key) const noexcept {
        for (Value const& v : values_)
            if (v.key == key) return v.object;
        return nullptr;
    }
    void add(std::uint64_t key, void* object, ValueOps const& ops) { values_.push_back({key, object, &ops}); }
    bool has_inheritable() const noexcept {
        for (Value const& v : values_)
            if (v.ops->copy) return true;
        return false;
    }
    /// But not the one with the key `except`; keys begin at 1. @throws what copying throws
    void inherit_from(TaskValues const& parent, std::uint64_t except = 0) {
        values_.reserve(parent.values_.size()); // from here on only `copy` can throw
        for (Value const& v : parent.values_)
            if (v.ops->copy && v.key != except) values_.push_back({v.key, v.ops->copy(v.object), v.ops});
    }
    /// The last one first. A destructor may ask for others, and so make new ones.
    void clear() noexcept {
        while (!values_.empty()) {
            Value const v = values_.back();
            values_.pop_back();
            v.ops->destroy(v.object);
        }
    }

private:
    struct Value {
        std::uint64_t key;
        void* object;
        ValueOps const* ops;
    };
    std::vector<Value> values_;
};

} // namespace frond::inline v0::detail
