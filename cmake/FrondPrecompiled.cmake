# Headers that are compiled once for all tests and examples, where FROND_PRECOMPILE_HEADERS asks for it. A source
# sees more than it includes then: a build without them has to prove that its own includes are complete.
set(precompiled_std
    <algorithm> <array> <atomic> <chrono> <cstddef> <cstdint> <cstdio> <cstdlib> <deque> <exception> <fstream>
    <functional> <future> <iostream> <map> <memory> <mutex> <optional> <random> <set> <sstream> <stdexcept>
    <stop_token> <string> <string_view> <thread> <tuple> <type_traits> <unordered_map> <utility> <variant> <vector>)
set(precompiled_asio
    <boost/asio/connect.hpp> <boost/asio/ip/tcp.hpp> <boost/asio/post.hpp> <boost/asio/read.hpp>
    <boost/asio/steady_timer.hpp> <boost/asio/write.hpp> <boost/beast/core.hpp> <boost/beast/http.hpp>)

set(gtest_options "")
set(gtest_headers "")
if(FROND_BUILD_TESTS)
    find_package(GTest 1.12 CONFIG REQUIRED)
    # Whoever uses the headers must have been given the same macros.
    set(gtest_options $<TARGET_PROPERTY:GTest::gtest,INTERFACE_COMPILE_OPTIONS>)
    set(gtest_headers <gmock/gmock.h> <gtest/gtest.h>)
endif()

# frond_use_precompiled(TARGET HEADERS): HEADERS: the target that has them.
function(frond_use_precompiled target headers)
    target_precompile_headers(${target} REUSE_FROM ${headers})
    target_compile_options(${target} PRIVATE ${gtest_options})
endfunction()

function(frond_precompile name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK;HEADERS")
    set(unit "${PROJECT_BINARY_DIR}/${name}.cpp")
    file(CONFIGURE OUTPUT "${unit}" CONTENT "// Something to compile.\n")
    add_library(${name} OBJECT "${unit}")
    frond_own_target(${name})
    target_compile_options(${name} PRIVATE ${FROND_PROGRAM_OPTIONS} ${gtest_options})
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        # Without the times of the headers the result is the same for each build of the same text, and ccache has it.
        target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
    endif()
    target_link_libraries(${name} PRIVATE ${arg_LINK})
    target_precompile_headers(${name} PRIVATE ${precompiled_std} ${gtest_headers} <frond/frond.hpp> ${arg_HEADERS})
endfunction()

frond_precompile(frond_precompiled LINK frond::frond)
frond_precompile(frond_precompiled_asio LINK frond::asio
                 HEADERS <frond/asio.hpp> <frond/listener.hpp> ${precompiled_asio})
