#pragma once

/// Everything but `frond/asio.hpp` and `frond/listener.hpp`, which bring Boost.Asio along.

#include <frond/blocking.hpp>
#include <frond/cancel.hpp>
#include <frond/diagnostics.hpp>
#include <frond/duration.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>
