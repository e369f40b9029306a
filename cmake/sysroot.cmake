# A toolchain for another system than this one, whose libraries are unpacked in $MLXC_SYSROOT; $MLXC_MACHINE names Debian's cross compiler
# and folders: aarch64-linux-gnu (tools/cross_wheel.sh), or x86_64-linux-gnu with an older C library.
set(MACHINE $ENV{MLXC_MACHINE})
set(CMAKE_SYSTEM_NAME Linux)
string(REGEX REPLACE "-.*" "" CMAKE_SYSTEM_PROCESSOR ${MACHINE})
set(CMAKE_C_COMPILER ${MACHINE}-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE ${MACHINE})
set(CMAKE_SYSROOT $ENV{MLXC_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_SYSROOT}/usr/lib/${MACHINE}/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)
