# How frond's own targets are compiled. Nothing here reaches a user of the library.
include(CheckCXXCompilerFlag)
include(GNUInstallDirs)
check_cxx_compiler_flag(-fstack-clash-protection FROND_HAS_STACK_CLASH_PROTECTION)

# frond_own_target(TARGET): the language level, the warnings, and probes in big stack frames.
function(frond_own_target target)
    target_compile_features(${target} PRIVATE cxx_std_20)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                             $<$<BOOL:${FROND_WERROR}>:-Werror>)
    if(FROND_HAS_STACK_CLASH_PROTECTION)
        # A frame larger than the guard could step over it; with probes it cannot.
        target_compile_options(${target} PRIVATE -fstack-clash-protection)
    endif()
endfunction()

# frond_library_target(TARGET): an own target that is a library users link.
function(frond_library_target target)
    frond_own_target(${target})
    set_target_properties(
        ${target}
        PROPERTIES POSITION_INDEPENDENT_CODE ON
                   CXX_VISIBILITY_PRESET hidden
                   VISIBILITY_INLINES_HIDDEN ON
                   # An empty target (no source has landed yet) has no language to be guessed from.
                   LINKER_LANGUAGE CXX
                   VERSION ${PROJECT_VERSION}
                   SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
    target_compile_features(${target} PUBLIC cxx_std_20)
    # Every task switch reads thread-locals; the general model would make a call of each read.
    target_compile_options(${target} PRIVATE -ftls-model=initial-exec)
    target_include_directories(
        ${target}
        PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
        PRIVATE ${PROJECT_SOURCE_DIR}/src)
endfunction()
