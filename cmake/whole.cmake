# What users link is optimised as a whole: functions of one file are inlined in another, which takes a tenth of what a small operation
# costs (docs/performance.md). Kernels stay apart, each set with its own flags. Objects have their machine code as well, of
# which static libraries and the programs of tests and benchmarks are made.

set(WHOLE OFF)
if(CMAKE_C_COMPILER_ID STREQUAL GNU AND CMAKE_BUILD_TYPE MATCHES "^(Release|MinSizeRel)$" AND NOT MLXC_SANITIZE)
    set(WHOLE ON)
endif()
option(MLXC_WHOLE "libmlxc is optimised as a whole (gcc)" ${WHOLE})

function(optimise_whole target)
    get_target_property(kind ${target} TYPE)
    if(MLXC_WHOLE AND kind STREQUAL OBJECT_LIBRARY)
        target_compile_options(${target} PRIVATE -flto -ffat-lto-objects)
    elseif(MLXC_WHOLE)
        target_link_options(${target} PRIVATE -flto=auto)
        set_target_properties(${target} PROPERTIES WHOLE ON)
    endif()
endfunction()

# Other programs of this library are linked in a moment.
function(leave_parts library)
    if(MLXC_WHOLE)
        target_link_options(${library} INTERFACE $<$<NOT:$<BOOL:$<TARGET_PROPERTY:WHOLE>>>:-fno-lto>)
    endif()
endfunction()
