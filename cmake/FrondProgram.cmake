# Programs of this tree (tests, examples, benchmarks) and the limits under which CTest runs them.

# frond_program(TARGET SOURCE...): an executable with the settings of own targets, linked with what it uses.
function(frond_program target)
    add_executable(${target} ${ARGN})
    frond_own_target(${target})
    target_link_libraries(${target} PRIVATE frond::frond)

    # Small programs do not say what they link; whether they use Asio stands in their includes.
    foreach(source IN LISTS ARGN)
        file(STRINGS "${source}" asio_includes REGEX "^#include <(frond/(asio|listener)|boost/asio|boost/beast)")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
        if(asio_includes)
            target_link_libraries(${target} PRIVATE frond::asio)
            break()
        endif()
    endforeach()
endfunction()

# frond_timeout(VARIABLE SECONDS): a test's limit in this build; sanitizers slow a program down several times.
function(frond_timeout variable seconds)
    if(FROND_SANITIZE)
        math(EXPR seconds "${seconds} * 4")
    endif()
    set(${variable} ${seconds} PARENT_SCOPE)
endfunction()
