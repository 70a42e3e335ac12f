#include <frond/sync/channel.hpp>

namespace frond::inline v0::detail {

void throw_channel_closed() { throw Closed("frond: push into a closed channel"); }

} // namespace frond::inline v0::detail
