# Target frond_sanitize: what the library, Boost and every program of a sanitizer build are compiled with.
# ucontext, because the sanitizers follow swapcontext and know nothing of Boost's assembler switch.
add_library(frond_sanitize INTERFACE)
target_compile_definitions(frond_sanitize INTERFACE BOOST_USE_UCONTEXT)

if(FROND_SANITIZE STREQUAL "address")
    set(flags -fsanitize=address,undefined -fno-sanitize-recover=undefined)
    target_compile_definitions(frond_sanitize INTERFACE BOOST_USE_ASAN)
elseif(FROND_SANITIZE STREQUAL "thread")
    if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "FROND_SANITIZE=thread needs clang: gcc's runtime takes 0.9 MiB a fiber "
                            "and ends at about 8,000 of them.")
    endif()
    include(FrondTsanHeaders)
    set(flags -fsanitize=thread)
    target_compile_definitions(frond_sanitize INTERFACE BOOST_USE_TSAN)
    target_include_directories(frond_sanitize SYSTEM BEFORE INTERFACE "${FROND_TSAN_HEADERS}")
else()
    message(FATAL_ERROR "FROND_SANITIZE is '${FROND_SANITIZE}'; it can be empty, address or thread.")
endif()

target_compile_options(frond_sanitize INTERFACE ${flags} -fno-omit-frame-pointer)
target_link_options(frond_sanitize INTERFACE ${flags})
