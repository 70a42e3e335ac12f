# cmake -DPROGRAM=... -DEXPECTED=file -P compare_output.cmake: runs PROGRAM; its stdout must be the file's text.
execute_process(
    COMMAND "${PROGRAM}"
    RESULT_VARIABLE status
    OUTPUT_VARIABLE output
    ERROR_VARIABLE errors)
file(READ "${EXPECTED}" expected)

if(NOT status STREQUAL "0")
    message(FATAL_ERROR "${PROGRAM} ended with ${status}\n--- stdout\n${output}--- stderr\n${errors}")
endif()
if(NOT output STREQUAL expected)
    message(FATAL_ERROR "--- expected\n${expected}--- got\n${output}--- stderr\n${errors}")
endif()
