# Install rules and the package config: find_package(frond) gives frond::frond, COMPONENTS asio adds frond::asio.
include(CMakePackageConfigHelpers)
set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/frond")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# Two export sets, so that a program without I/O loads only what it links.
install(TARGETS frond EXPORT frondTargets)
install(TARGETS frond_asio EXPORT frondAsioTargets)
install(EXPORT frondTargets NAMESPACE frond:: DESTINATION "${package_folder}")
install(EXPORT frondAsioTargets NAMESPACE frond:: DESTINATION "${package_folder}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/frondConfig.cmake.in"
                              "${PROJECT_BINARY_DIR}/frondConfig.cmake" INSTALL_DESTINATION "${package_folder}")
# Before 1.0 every minor version may break its users.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/frondConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/frondConfig.cmake" "${PROJECT_BINARY_DIR}/frondConfigVersion.cmake"
        DESTINATION "${package_folder}")
