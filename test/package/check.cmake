# Builds and runs the consumer in the folder WAY; run by CTest with the variables of CMakeLists.txt.
function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
    if(NOT result STREQUAL "0")
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "failed (${result}): ${command}")
    endif()
endfunction()

file(REMOVE_RECURSE "${WORK}")
set(configure ${CMAKE_COMMAND} -S "${CMAKE_CURRENT_LIST_DIR}/${WAY}" -B "${WORK}/build" -G "${GENERATOR}"
              -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}")

if(WAY STREQUAL "find_package")
    run(${CMAKE_COMMAND} --install "${FROND_BUILD}" --prefix "${WORK}/prefix")
    run(${configure} "-DCMAKE_PREFIX_PATH=${WORK}/prefix")
else()
    run(${configure} "-DFROND_SOURCE=${FROND_SOURCE}")
endif()
run(${CMAKE_COMMAND} --build "${WORK}/build")
run("${WORK}/build/core_consumer")
run("${WORK}/build/asio_consumer")
