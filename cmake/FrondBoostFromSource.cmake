# Target frond_boost_fiber: Boost.Fiber and Boost.Context compiled with the flags of frond_sanitize. The
# installed libraries are not instrumented and were built for another kind of context switch.
set(script "${PROJECT_SOURCE_DIR}/cmake/fetch_boost_source.sh")
if(NOT EXISTS "${FROND_BOOST_SRC}/libs/fiber/src" OR NOT EXISTS "${FROND_BOOST_SRC}/libs/context/src")
    message(FATAL_ERROR "A sanitizer build compiles Boost.Fiber itself. Run ${script} DIR and give "
                        "-DFROND_BOOST_SRC=DIR, or use ./dev sanitize.")
endif()
file(READ "${FROND_BOOST_SRC}/VERSION" source_version)
string(STRIP "${source_version}" source_version)
if(NOT Boost_VERSION VERSION_EQUAL source_version)
    message(FATAL_ERROR "${FROND_BOOST_SRC} holds Boost ${source_version}, the headers are ${Boost_VERSION}.")
endif()

file(GLOB fiber_sources "${FROND_BOOST_SRC}/libs/fiber/src/*.cpp" "${FROND_BOOST_SRC}/libs/fiber/src/algo/*.cpp")
set(context_folder "${FROND_BOOST_SRC}/libs/context/src")
add_library(
    frond_boost_fiber STATIC
    ${fiber_sources} "${context_folder}/posix/stack_traits.cpp" "${context_folder}/fiber.cpp"
    "${context_folder}/continuation.cpp")
target_compile_features(frond_boost_fiber PUBLIC cxx_std_20)
target_compile_definitions(frond_boost_fiber PRIVATE BOOST_FIBERS_SOURCE BOOST_CONTEXT_SOURCE)
target_compile_options(frond_boost_fiber PRIVATE -w)
target_link_libraries(frond_boost_fiber PUBLIC frond_sanitize Boost::headers Threads::Threads)
