#pragma once

#include <atomic>

namespace frond::inline v0::detail {

class Home;

/// Work that another thread sends to a home. `deliver` runs on the home's thread, must not wait, and owns the
/// message from then on.
struct Message {
    Message* next = nullptr;
    void (*deliver)(Message&, Home&) noexcept = nullptr;
};

/// Many producers, one consumer, first in first out for each producer.
class Inbox {
public:
    enum class Push { was_empty, was_waiting, closed };

    /// Any thread. Pairs with `take_all`: what the producer wrote before is visible to `deliver`.
    Push push(Message& m) noexcept {
        Message* head = head_.load(std::memory_order_relaxed);
        do {
            if (head == closed_mark()) return Push::closed;
            m.next = head;
        } while (
            !head_.compare_exchange_weak(head, &m, std::memory_order_seq_cst, std::memory_order_relaxed));
        return head ? Push::was_waiting : Push::was_empty;
    }

    bool empty() const noexcept { return head_.load(std::memory_order_seq_cst) == nullptr; }
    bool looks_empty() const noexcept { return head_.load(std::memory_order_relaxed) == nullptr; }

    /// Home thread: everything, oldest first.
    Message* take_all() noexcept { return reverse(head_.exchange(nullptr, std::memory_order_acquire)); }
    /// The same; every later `push` gets `closed`.
    Message* close() noexcept { return reverse(head_.exchange(closed_mark(), std::memory_order_acq_rel)); }
    void reopen() noexcept { head_.store(nullptr, std::memory_order_release); }

private:
    static Message* closed_mark() noexcept {
        static Message mark;
        return &mark;
    }
    static Message* reverse(Message* m) noexcept {
        Message* first = nullptr;
        while (m) {
            Message* const rest = m->next;
            m->next = first;
            first = m;
            m = rest;
        }
        return first;
    }

    std::atomic<Message*> head_{nullptr};
};

} // namespace frond::inline v0::detail
