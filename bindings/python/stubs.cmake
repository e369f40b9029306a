# Type stubs, written from the module when it has been built; where it cannot be run here there are none.

if(NOT MLXC_SANITIZE AND NOT CMAKE_CROSSCOMPILING)
    add_custom_command(TARGET core POST_BUILD COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1
                       ${Python_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/make_stubs.py ${MLXC_PYTHON_DIR})
    install(DIRECTORY ${MLXC_PYTHON_DIR}/mlx/core DESTINATION mlx COMPONENT python EXCLUDE_FROM_ALL
            FILES_MATCHING PATTERN "*.pyi")
endif()
