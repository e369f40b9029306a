# Headers, the libraries, find_package(MLXC), find_package(MLX) and pkg-config.

include(CMakePackageConfigHelpers)
set(CONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/MLXC)

install(TARGETS mlxc EXPORT MLXCTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS mlx EXPORT MLXTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(MLXC_STATIC)
    install(TARGETS mlxc_static EXPORT MLXCTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(DIRECTORY include/mlx DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT MLXCTargets DESTINATION ${CONFIG_DIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/mlxc)

configure_package_config_file(cmake/MLXCConfig.cmake.in MLXCConfig.cmake
    INSTALL_DESTINATION ${CONFIG_DIR} PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
# The version of the package whose interface this is: programs ask for that one.
write_basic_package_version_file(MLXCConfigVersion.cmake VERSION ${MLX_C_VERSION} COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/MLXCConfig.cmake
        ${CMAKE_CURRENT_BINARY_DIR}/MLXCConfigVersion.cmake DESTINATION ${CONFIG_DIR})

set(MLX_CONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/MLX)
install(EXPORT MLXTargets DESTINATION ${MLX_CONFIG_DIR})
configure_package_config_file(cmake/MLXConfig.cmake.in MLXConfig.cmake INSTALL_DESTINATION ${MLX_CONFIG_DIR})
write_basic_package_version_file(MLXConfigVersion.cmake VERSION ${MLX_PYTHON_VERSION} COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/MLXConfig.cmake
        ${CMAKE_CURRENT_BINARY_DIR}/MLXConfigVersion.cmake DESTINATION ${MLX_CONFIG_DIR})

# Relative, so that `cmake --install --prefix` and moved trees work.
file(RELATIVE_PATH PC_TO_PREFIX /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
configure_file(cmake/mlxc.pc.in mlxc.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mlxc.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(MLXC_STATIC)
    configure_file(cmake/mlxc-static.pc.in mlxc-static.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mlxc-static.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
