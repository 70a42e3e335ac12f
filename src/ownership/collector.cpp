#include <frond/detail/collector.hpp>

#include "admission/wait_graph.hpp"
#include "ownership/lifecycle.hpp"
#include "ownership/results.hpp"
#include "scheduler/home.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/stop_chain.hpp"
#include "scheduler/task_extras.hpp"

#include <frond/detail/task_value.hpp>
#include <frond/detail/wait_list.hpp>
#include <frond/group.hpp>
#include <frond/stream.hpp>
#include <frond/this_task.hpp>

#include <algorithm>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

namespace frond::inline v0::detail {

namespace {

/// What a task of an ordered bag hands down to tasks of other groups: the place of what they put in.
struct InheritedPlace {
    explicit InheritedPlace(ItemNode& n) noexcept : node{&n} { add_ref(n); }
    InheritedPlace(InheritedPlace const& other) noexcept : InheritedPlace{*other.node} {}
    InheritedPlace& operator=(InheritedPlace const&) = delete;
    ~InheritedPlace() { drop_ref(*node); }

    ItemNode* node;
};

void begin_read(RemoteWait& r, Guard&) noexcept {
    auto& g = *static_cast<GroupCore*>(const_cast<void*>(r.proxy.target));
    if (is_readable(*g.results) || is_quiescent(g))
        r.complete(WakeReason::done);
    else
        r.proxy.enlist(g.results->readers);
}

/// All that is left to read, linked through `item_next`.
ItemNode* take_unread(ResultBuffer& r) noexcept {
    ItemNode* first = nullptr;
    ItemNode** end = &first;
    for (; ItemNode* const n = take_item(r); end = &n->item_next) *end = n;
    *end = nullptr;
    return first;
}

/// Describes the first error among them, the input's included, which comes last. @return false: there is none
bool drop_unread(ItemNode* n, std::exception_ptr input, TaskError& first) noexcept {
    std::uint64_t errors = 0;
    if (input) {
        ++errors;
        first.error = std::move(input);
        first.name = "input of a stream";
    }
    while (n) {
        ItemNode& item = *std::exchange(n, n->item_next);
        if (item.state.load(std::memory_order_acquire) == TaskState::failed) {
            ++errors;
            if (first.id == 0) first = describe_error(item, item.error);
        }
        drop_item(item);
    }
    if (errors > 0) first.more = errors - 1;
    return errors > 0;
}

/// A pool that is paused may have no slots just now.
std::size_t default_limit(PoolCore const* p) noexcept {
    if (p) return std::max<std::size_t>(p->limit.get(), 1);
    constexpr std::size_t most = 32;
    return std::min<std::size_t>(most, std::thread::hardware_concurrency() + 4);
}

TaskNode* calling_task() noexcept { return this_home ? this_home->current_task() : nullptr; }

} // namespace

bool hands_down_place(TaskNode const& parent, TaskNode const& child) noexcept {
    ResultBuffer const* const r = parent.group->results;
    return r && r->place_key != 0 && child.group != parent.group;
}

void inherit_place(TaskNode const& parent, TaskValues& values) {
    auto place = std::make_unique<InheritedPlace>(const_cast<ItemNode&>(item_of(parent)));
    values.add(parent.group->results->place_key, place.get(), inherited_value_ops<InheritedPlace>);
    [[maybe_unused]] auto* const now_theirs = place.release();
}

/// Is there before the group that finds results in it.
struct ResultBase {
    explicit ResultBase(ResultRules const& rules) { results.rules = rules; }
    ResultBuffer results;
};

class Collector::Body : public ResultBase, public Group {
public:
    Body(Group const* like, ResultRules const& rules, OnError on_error)
        : ResultBase{rules}, Group{like, GroupOptions{.on_error = on_error}, &results} {}
    /// After everything has ended.
    ~Body() {
        if (core_.home->state.load(std::memory_order_acquire) == HomeState::forked) return;
        call_on(*core_.home, [this](Guard&) { core_.results = nullptr; });
    }

    GroupCore& core() noexcept { return core_; }
    using Group::wait_for_quiescence;

    std::uint64_t owner_task = 0; ///< order serial: who besides the tasks may add
    void const* owner_fiber = nullptr;
};

Collector::Collector(Group const* like, ResultRules const& rules, OnError on_error)
    : body_{std::make_unique<Body>(like, rules, on_error)}, core_{&body_->core()} {
    if (rules.order == ItemOrder::spawn && rules.feed_limit == 0) {
        body_->results.place_key = next_value_key();
        values_are_inherited.store(true, std::memory_order_relaxed);
    } else if (rules.order == ItemOrder::serial) {
        body_->owner_task = this_task::id();
        body_->owner_fiber = current_fiber_id();
    }
}

Collector::~Collector() {
    Home& h = *core_->home;
    if (h.state.load(std::memory_order_acquire) == HomeState::forked) return;
    call_on(h, [this](Guard& guard) {
        core_->results->left.store(true, std::memory_order_relaxed);
        core_->stopped = true; // for good: holds may still bring tasks
        if (!is_quiescent(*core_)) cancel_group(guard, *core_, "nobody reads the results any more");
    });
    body_->wait_for_quiescence();
    ItemNode* unread = nullptr;
    std::exception_ptr input;
    call_on(h, [&](Guard&) {
        unread = take_unread(*core_->results);
        input = std::move(core_->results->feeder_error);
    });
    TaskError first;
    if (drop_unread(unread, std::move(input), first) && reports_unread_) report_unhandled(first);
}

void Collector::check_serial() const {
    if (core_->results->rules.order != ItemOrder::serial) return;
    TaskNode const* const me = calling_task();
    bool const is_ours = me && me->group == core_;
    bool const is_owner =
        me ? me->id == body_->owner_task : body_->owner_task == 0 && current_fiber_id() == body_->owner_fiber;
    if (!is_ours && !is_owner) {
        throw std::logic_error(
            "frond: with Sequence::serial only the bag's own tasks and the fiber that made "
            "it may spawn and put");
    }
}

ItemNode* Collector::place_of_caller() const noexcept {
    TaskNode* const me = calling_task();
    if (!me) return nullptr;
    if (me->group == core_) return &item_of(*me);
    auto const key = core_->results->place_key;
    if (key == 0) return nullptr;
    auto const* const inherited = static_cast<InheritedPlace*>(find_value(key));
    return inherited ? inherited->node : nullptr;
}

std::size_t Collector::cancel(std::string_view reason) {
    core_->results->left.store(true, std::memory_order_relaxed);
    return body_->cancel(reason);
}
void Collector::request_cancel(std::string_view reason) noexcept {
    core_->results->left.store(true, std::memory_order_relaxed);
    body_->request_cancel(reason);
}
std::size_t Collector::size() const noexcept { return body_->size(); }

void Collector::submit(ItemNode& task) {
    try {
        core_->home->check_not_forked("frond: this bag belongs to the parent process");
        check_serial();
    } catch (...) {
        discard_with_handle(task);
        throw;
    }
    if (core_->results->rules.order == ItemOrder::serial) task.item_next = place_of_caller();
    detail::submit(task, SpawnMode::queue);
}

void Collector::put(ItemNode& result) {
    try {
        core_->home->check_not_forked("frond: this bag belongs to the parent process");
        check_serial();
    } catch (...) {
        discard_with_handle(result);
        throw;
    }
    result.item_next = place_of_caller();
    detail::put(result);
}

ItemNode* Collector::take(Clock::time_point deadline, bool& at_end) {
    Home& h = *core_->home;
    h.check_not_forked("frond: this bag belongs to the parent process");
    ItemNode* item = nullptr;
    at_end = false;
    auto const try_take = [&](Guard& guard) {
        if (core_->shared && has_held(*core_)) guard.widen();
        item = take_item(*core_->results);
        if (item)
            after_change(guard, *core_);
        else
            at_end = is_quiescent(*core_);
        return item || at_end;
    };
    for (;;) {
        Waiter w{WaitKind::result, core_};
        w.patient = true;
        if (h.is_reachable()) {
            Home& here = Home::current();
            Guard guard{h};
            if (try_take(guard)) return item;
            if (!wait_unless([&] { return try_take(guard); }, guard, here.check_may_wait(), w,
                             core_->results->readers, h.current_fellow(), true, deadline))
                return item;
        } else {
            if (call_on(h, try_take)) return item;
            wait_remotely(h, w, deadline, &begin_read);
        }
        throw_if_cut_short(w);
        if (w.reason != WakeReason::done) return nullptr;
    }
}

void Collector::wait_for_place() {
    Waiter w{WaitKind::place, core_};
    w.patient = true;
    bool waited = false;
    {
        Guard guard{*core_->home};
        Fiber& f = this_home->current_fiber();
        waited = wait_unless([this] { return has_place(*core_); }, guard, f, w, core_->results->feeder,
                             core_->home->current_fellow(), false);
    }
    if (waited) throw_if_cut_short(w);
    this_task::check(); // a stream that was stopped has places: what is spawned into it ends at once
}

void Collector::keep_feeder_error(std::exception_ptr error) {
    Guard const guard{*core_->home};
    core_->results->feeder_error = std::move(error);
}

std::exception_ptr Collector::take_feeder_error() {
    return call_on(*core_->home, [this](Guard&) {
        ResultBuffer& r = *core_->results;
        bool const is_cut = std::exchange(r.cut, false);
        if (r.feeder_error) return std::exchange(r.feeder_error, nullptr);
        return is_cut ? std::make_exception_ptr(Cancelled{"the stream's tasks were cancelled"}) : nullptr;
    });
}

namespace {

std::size_t sum(std::size_t a, std::size_t b) noexcept { return b > unlimited - a ? unlimited : a + b; }

} // namespace

ResultRules rules_for_stream(PoolCore const* pool, StreamOptions const& options, bool ordered) {
    constexpr auto positive = "frond: a stream's limit, buffer and window must be positive";
    ResultRules rules;
    rules.order = ordered ? ItemOrder::spawn : ItemOrder::completion;
    rules.yields_cancelled = true;
    rules.feed_limit =
        options.limit == by_pool ? default_limit(pool) : checked_count(options.limit, positive);
    rules.feed_room =
        sum(rules.feed_limit,
            options.buffer == by_limit ? rules.feed_limit : checked_count(options.buffer, positive));
    if (options.window != by_limit) {
        auto const window = checked_count(options.window, positive);
        if (ordered) rules.feed_room = std::min(rules.feed_room, window);
    }
    return rules;
}

/// Goes home when its hold dies, as a message made beforehand: a hold's end needs no memory.
struct HoldToken : Message {
    explicit HoldToken(GroupCore& g) noexcept : group{&g} {
        deliver = [](Message& m, Home& h) noexcept {
            std::unique_ptr<HoldToken> const self{static_cast<HoldToken*>(&m)};
            Guard guard{h};
            self->let_go(guard);
        };
    }
    void let_go(Guard& guard) const noexcept {
        group->holds.fetch_sub(1, std::memory_order_acq_rel);
        check_quiescence(guard, *group);
    }

    GroupCore* group;
};

Hold Collector::keep_open() {
    core_->home->check_not_forked("frond: this bag belongs to the parent process");
    auto* const token = new HoldToken{*core_};
    core_->holds.fetch_add(1, std::memory_order_relaxed);
    return Hold{token};
}

void release(HoldToken* token) noexcept {
    Home& h = *token->group->home;
    if (h.state.load(std::memory_order_acquire) == HomeState::forked) return;
    if (!h.is_reachable() && h.post(*token)) return;
    std::unique_ptr<HoldToken> const own{token};
    auto lock = h.is_reachable() ? std::unique_lock<std::mutex>{} : std::unique_lock{h.ended_lock};
    Guard guard{h};
    own->let_go(guard);
}

} // namespace frond::inline v0::detail
