# harden(target): what makes a fault harder to use, in what is given to others (tools/check_hardening.py measures it). Kernels are
# left out: their arrays have sizes that are written down, and they call nothing that could be checked.

if(MLXC_SANITIZE OR EMSCRIPTEN OR NOT CMAKE_BUILD_TYPE MATCHES "^(Release|MinSizeRel|None)$")
    set(MLXC_HARDENED_BY_DEFAULT OFF)
else()
    set(MLXC_HARDENED_BY_DEFAULT ON)
endif()
option(MLXC_HARDENED "guards of the stack, checked functions, read-only tables of the linker" ${MLXC_HARDENED_BY_DEFAULT})

function(harden target)
    if(NOT MLXC_HARDENED)
        return()
    endif()
    target_compile_options(${target} PRIVATE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    get_target_property(kind ${target} TYPE)
    if(NOT kind STREQUAL OBJECT_LIBRARY)
        target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now,-z,noexecstack)
    endif()
    if(kind STREQUAL EXECUTABLE)
        target_link_options(${target} PRIVATE -pie)
    endif()
endfunction()
