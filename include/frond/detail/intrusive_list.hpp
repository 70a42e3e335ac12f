#pragma once

namespace frond::inline v0::detail {

/// A doubly linked list through two members of its nodes. It owns nothing; every operation is O(1).
template <class T, T* T::* Next, T* T::* Prev>
struct IntrusiveList {
    T* head = nullptr;
    T* tail = nullptr;

    bool empty() const noexcept { return head == nullptr; }

    void push_back(T& n) noexcept {
        n.*Next = nullptr;
        n.*Prev = tail;
        (tail ? tail->*Next : head) = &n;
        tail = &n;
    }

    void push_front(T& n) noexcept {
        n.*Prev = nullptr;
        n.*Next = head;
        (head ? head->*Prev : tail) = &n;
        head = &n;
    }

    /// In front of `before`; nullptr: at the end.
    void insert(T& n, T* before) noexcept {
        if (!before) return push_back(n);
        n.*Next = before;
        n.*Prev = before->*Prev;
        (before->*Prev ? before->*Prev->*Next : head) = &n;
        before->*Prev = &n;
    }

    void erase(T& n) noexcept {
        (n.*Prev ? n.*Prev->*Next : head) = n.*Next;
        (n.*Next ? n.*Next->*Prev : tail) = n.*Prev;
        n.*Next = n.*Prev = nullptr;
    }

    T* pop_front() noexcept {
        T* const n = head;
        if (n) erase(*n);
        return n;
    }

    T* pop_back() noexcept {
        T* const n = tail;
        if (n) erase(*n);
        return n;
    }

    /// Moves all of `other` in front of this list, in its order.
    void splice_front(IntrusiveList& other) noexcept {
        if (other.empty()) return;
        other.tail->*Next = head;
        (head ? head->*Prev : tail) = other.tail;
        head = other.head;
        other.head = other.tail = nullptr;
    }

    /// Takes everything out.
    IntrusiveList take() noexcept {
        IntrusiveList all = *this;
        head = tail = nullptr;
        return all;
    }
};

} // namespace frond::inline v0::detail
