# Target frond_headers: one translation unit a public header, which includes that header and nothing else.
file(GLOB_RECURSE headers RELATIVE "${PROJECT_SOURCE_DIR}/include" CONFIGURE_DEPENDS
     "${PROJECT_SOURCE_DIR}/include/frond/*.hpp")

set(units "")
set(asio_units "")
foreach(header IN LISTS headers)
    string(MAKE_C_IDENTIFIER "${header}" name)
    set(unit "${PROJECT_BINARY_DIR}/header_check/${name}.cpp")
    # Included twice: the second time checks the include guard.
    file(CONFIGURE OUTPUT "${unit}" CONTENT "#include <${header}>\n#include <${header}> // NOLINT\n")
    if(header MATCHES "asio|listener")
        list(APPEND asio_units "${unit}")
    else()
        list(APPEND units "${unit}")
    endif()
endforeach()

# Only what uses Asio sees Boost's include folder; the other headers must do without.
if(units)
    add_library(frond_headers OBJECT ${units})
    frond_own_target(frond_headers)
    target_link_libraries(frond_headers PRIVATE frond::frond)
endif()
if(asio_units)
    add_library(frond_asio_headers OBJECT ${asio_units})
    frond_own_target(frond_asio_headers)
    target_link_libraries(frond_asio_headers PRIVATE frond::asio)
endif()
