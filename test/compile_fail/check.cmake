# cmake -DSOURCE=file.cpp -DCOMPILER=... -DINCLUDE=... -P check.cmake
# A script and not WILL_FAIL: that would be content with any error, a misspelt include for instance.
file(STRINGS "${SOURCE}" first_line LIMIT_COUNT 1)
if(NOT first_line MATCHES "^// expect: (.+)$")
    message(FATAL_ERROR "${SOURCE}: the first line must be '// expect: REGEX'")
endif()
set(expected "${CMAKE_MATCH_1}")

execute_process(
    COMMAND "${COMPILER}" -std=c++20 -fsyntax-only "-I${INCLUDE}" "${SOURCE}"
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
if(result STREQUAL "0")
    message(FATAL_ERROR "${SOURCE} compiles, and must not")
endif()
if(NOT output MATCHES "error:")
    message(FATAL_ERROR "${COMPILER} could not do its work (${result}):\n${output}")
endif()
if(NOT output MATCHES "${expected}")
    message(FATAL_ERROR "nothing in the compiler's output matches '${expected}':\n${output}")
endif()
