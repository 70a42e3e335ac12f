# Programs of this tree (tests, examples, benchmarks) and the limits under which CTest runs them.

# frond_program_settings(TARGET [ASIO]): an own target that is no part of the library. ASIO: it uses frond::asio.
function(frond_program_settings target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "ASIO" "" "")
    frond_own_target(${target})
    # Last on the command line, so that it wins over the options of the build type.
    target_compile_options(${target} PRIVATE ${FROND_PROGRAM_OPTIONS})
    if(FROND_PRECOMPILE_HEADERS)
        set(headers frond_precompiled)
        if(arg_ASIO)
            set(headers frond_precompiled_asio)
        endif()
        frond_use_precompiled(${target} ${headers})
    endif()
endfunction()

# frond_program(TARGET SOURCE...): an executable with the settings of own targets, linked with what it uses.
function(frond_program target)
    add_executable(${target} ${ARGN})
    target_link_libraries(${target} PRIVATE frond::frond)

    # Small programs do not say what they link; whether they use Asio stands in their includes.
    set(asio "")
    foreach(source IN LISTS ARGN)
        file(STRINGS "${source}" asio_includes REGEX "^#include <(frond/(asio|listener)|boost/asio|boost/beast)")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
        if(asio_includes)
            target_link_libraries(${target} PRIVATE frond::asio)
            set(asio ASIO)
            break()
        endif()
    endforeach()
    frond_program_settings(${target} ${asio})
endfunction()

# frond_timeout(VARIABLE SECONDS): a test's limit in this build; sanitizers slow a program down several times.
function(frond_timeout variable seconds)
    if(FROND_SANITIZE)
        math(EXPR seconds "${seconds} * 4")
    endif()
    set(${variable} ${seconds} PARENT_SCOPE)
endfunction()
