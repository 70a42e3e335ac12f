#pragma once

/// Everything is compiled with hidden visibility; FROND_API marks what a shared build shows to its users.
/// The GNU spelling, because the standard attribute syntax is not allowed behind `friend` or `extern`.
#define FROND_API __attribute__((visibility("default")))
