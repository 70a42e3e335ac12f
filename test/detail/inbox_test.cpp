#include "scheduler/inbox.hpp"

#include "support/scale.hpp"

#include <cstddef>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace frond::detail {
namespace {

struct Numbered : Message {
    std::size_t sender = 0;
    std::size_t number = 0;
};

TEST(Inbox, TellsThePushThatFoundItEmpty) {
    Inbox inbox;
    Message first;
    Message second;
    EXPECT_TRUE(inbox.empty());
    EXPECT_EQ(inbox.push(first), Inbox::Push::was_empty);
    EXPECT_EQ(inbox.push(second), Inbox::Push::was_waiting);
    EXPECT_FALSE(inbox.empty());
    EXPECT_FALSE(inbox.looks_empty());
}

TEST(Inbox, GivesEverythingOldestFirst) {
    Inbox inbox;
    std::vector<Message> messages(5);
    for (auto& m : messages) inbox.push(m);
    Message* next = inbox.take_all();
    for (auto& m : messages) {
        ASSERT_EQ(next, &m);
        next = next->next;
    }
    EXPECT_EQ(next, nullptr);
    EXPECT_TRUE(inbox.empty());
    EXPECT_EQ(inbox.take_all(), nullptr);
}

TEST(Inbox, RefusesEverythingOnceClosed) {
    Inbox inbox;
    Message before;
    Message after;
    inbox.push(before);
    EXPECT_EQ(inbox.close(), &before);
    EXPECT_EQ(inbox.push(after), Inbox::Push::closed);
    inbox.reopen();
    EXPECT_EQ(inbox.push(after), Inbox::Push::was_empty);
    EXPECT_EQ(inbox.take_all(), &after);
}

TEST(Inbox, LosesNothingAndKeepsEachSendersOrder) {
    constexpr std::size_t senders = 4;
    auto const count = test::scaled(100'000);
    Inbox inbox;
    std::vector<std::vector<Numbered>> messages(senders);
    std::vector<std::thread> threads;
    for (std::size_t s = 0; s < senders; ++s) {
        messages[s].resize(count);
        threads.emplace_back([&, s] {
            for (std::size_t i = 0; i < count; ++i) {
                auto& m = messages[s][i];
                m.sender = s;
                m.number = i;
                inbox.push(m);
            }
        });
    }
    std::vector<std::size_t> next(senders);
    for (std::size_t received = 0; received < senders * count;) {
        for (Message* m = inbox.take_all(); m != nullptr; m = m->next) {
            auto const& n = *static_cast<Numbered*>(m);
            ASSERT_EQ(n.number, next[n.sender]++);
            ++received;
        }
    }
    for (auto& t : threads) t.join();
    EXPECT_TRUE(inbox.empty());
}

} // namespace
} // namespace frond::detail
