#pragma once

#include <frond/detail/result_reader.hpp>

#include <cstddef>
#include <string_view>

namespace frond::inline v0::detail {

/// What a Stream reads from. Its destructor stops the work that is behind it, and waits for its end.
template <class T>
class StreamSource : public ResultReader<T> {
public:
    virtual ~StreamSource() = default;
    virtual std::size_t cancel(std::string_view reason) = 0;
    virtual void request_cancel(std::string_view reason) noexcept = 0;
};

} // namespace frond::inline v0::detail
