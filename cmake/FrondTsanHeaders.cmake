# Sets FROND_TSAN_HEADERS: a folder with the headers of Boost.Fiber that count references, changed for TSan.
# Boost releases with an atomic_thread_fence, which TSan does not model: every fiber whose last reference goes on
# another thread would be reported. An acquire-release decrement says the same in words that TSan understands.
get_target_property(boost_include Boost::headers INTERFACE_INCLUDE_DIRECTORIES)
set(FROND_TSAN_HEADERS "${PROJECT_BINARY_DIR}/tsan-headers")

foreach(header IN ITEMS context.hpp algo/algorithm.hpp detail/fss.hpp future/detail/shared_state.hpp)
    set(original "${boost_include}/boost/fiber/${header}")
    file(READ "${original}" text)
    string(REPLACE "fetch_sub( 1, std::memory_order_release)" "fetch_sub( 1, std::memory_order_acq_rel)" changed
                   "${text}")
    if(changed STREQUAL text)
        message(FATAL_ERROR "${original} counts references in another way than Boost 1.81; "
                            "cmake/FrondTsanHeaders.cmake must follow it.")
    endif()
    # configure_file's rule, by hand: an unchanged file keeps its time, so that a new configure rebuilds nothing.
    set(copy "${FROND_TSAN_HEADERS}/boost/fiber/${header}")
    set(present "")
    if(EXISTS "${copy}")
        file(READ "${copy}" present)
    endif()
    if(NOT present STREQUAL changed)
        file(WRITE "${copy}" "${changed}")
    endif()
endforeach()
