#pragma once

/// To be included by a program that leaves suspended fibers behind on purpose, as `std::exit` in a task and
/// `fork` do: LeakSanitizer would list what they held. In other builds nobody calls it.
extern "C" [[gnu::used]] char const* __lsan_default_options() { return "detect_leaks=0"; }
