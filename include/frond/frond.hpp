#pragma once

/// Everything but `frond/asio.hpp` and `frond/listener.hpp`, which bring Boost.Asio along.

#include <frond/as_completed.hpp>
#include <frond/bag.hpp>
#include <frond/batches.hpp>
#include <frond/blocking.hpp>
#include <frond/cancel.hpp>
#include <frond/concurrent.hpp>
#include <frond/diagnostics.hpp>
#include <frond/duration.hpp>
#include <frond/errors.hpp>
#include <frond/gather.hpp>
#include <frond/group.hpp>
#include <frond/hold.hpp>
#include <frond/ordered_bag.hpp>
#include <frond/outcome.hpp>
#include <frond/pool.hpp>
#include <frond/race.hpp>
#include <frond/runtime.hpp>
#include <frond/stream.hpp>
#include <frond/sync/barrier.hpp>
#include <frond/sync/channel.hpp>
#include <frond/sync/condition_variable.hpp>
#include <frond/sync/event.hpp>
#include <frond/sync/inherited.hpp>
#include <frond/sync/local.hpp>
#include <frond/sync/mutex.hpp>
#include <frond/sync/rate_limiter.hpp>
#include <frond/sync/semaphore.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>
