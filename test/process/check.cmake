# cmake -DSOURCE=file.cc -DPROGRAM=... -P check.cmake: runs PROGRAM and compares with the comments of SOURCE.
file(STRINGS "${SOURCE}" exit_line REGEX "^// exit: [0-9]+$")
if(NOT exit_line MATCHES "^// exit: ([0-9]+)$")
    message(FATAL_ERROR "${SOURCE}: exactly one line '// exit: N' is needed")
endif()
set(expected_status "${CMAKE_MATCH_1}")

# Through a shell, because CMake words a death by signal and a shell numbers it.
execute_process(
    COMMAND sh -c "\"$1\"; exit $?" sh "${PROGRAM}"
    RESULT_VARIABLE status
    OUTPUT_VARIABLE stdout
    ERROR_VARIABLE stderr)
set(seen "status ${status}\n--- stdout\n${stdout}--- stderr\n${stderr}")

if(NOT status STREQUAL expected_status)
    message(FATAL_ERROR "expected status ${expected_status}, got ${seen}")
endif()
foreach(stream IN ITEMS stdout stderr)
    file(STRINGS "${SOURCE}" lines REGEX "^// ${stream}: .+")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "^// ${stream}: " "" regex "${line}")
        if(NOT "${${stream}}" MATCHES "${regex}")
            message(FATAL_ERROR "${stream} does not match '${regex}': ${seen}")
        endif()
    endforeach()
endforeach()
