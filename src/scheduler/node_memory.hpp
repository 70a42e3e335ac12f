#pragma once

namespace frond::inline v0::detail {

/// At a thread's end: gives its free nodes to the others.
void release_node_cache() noexcept;

} // namespace frond::inline v0::detail
