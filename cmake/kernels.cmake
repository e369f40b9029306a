# src/kernels/*/k_*.c is compiled once per instruction set, everything else in those folders once.
# k_*_bf16.c and k_*_vnni.c may use more than their set has, if the processor does: dot products of
# bfloat16 and of bytes (VNNI on x86, dotprod on arm64).
# KERNEL_SOURCES: the latter; KERNEL_OBJECTS: the objects of all sets.

set(KERNEL_FLAGS -O3 -fno-math-errno -fno-trapping-math -ffp-contract=off)
if(MLXC_SANITIZE OR MLXC_FUZZ)
    set(KERNEL_FLAGS -O1 -fno-math-errno -fno-trapping-math -ffp-contract=off)
endif()
# Which loop a kernel took says nothing of the reader that is fuzzed. Kernels are long functions: with UndefinedBehaviorSanitizer, or with
# AddressSanitizer's checks in place of calls, clang 14 needs minutes for one. What comes last on the command line holds.
add_library(kernel_flags INTERFACE)
if(MLXC_FUZZ)
    target_compile_options(kernel_flags INTERFACE -fno-sanitize=undefined -fno-sanitize=fuzzer-no-link
                           "SHELL:-mllvm -asan-instrumentation-with-call-threshold=0" -gline-tables-only)
endif()

if(EMSCRIPTEN) # SSE2 in terms of WebAssembly's instructions of 128 bits
    set(KERNEL_SETS baseline)
    set(FLAGS_baseline -msimd128 -msse2)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
    set(KERNEL_SETS baseline avx2 avx512)
    set(FLAGS_avx2 -mavx2 -mfma -mf16c)
    set(FLAGS_avx512 ${FLAGS_avx2} -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl)
    set(EXTRA_avx512_bf16 -mavx512bf16)
    set(EXTRA_avx512_vnni -mavx512vnni)
    set(EXTRA_avx2_vnni -mavxvnni)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    set(KERNEL_SETS neon)
    set(EXTRA_neon_vnni -march=armv8.2-a+dotprod)
else()
    message(FATAL_ERROR "no kernels for ${CMAKE_SYSTEM_PROCESSOR}: x86-64 and arm64 are supported")
endif()

file(GLOB_RECURSE KERNEL_SOURCES CONFIGURE_DEPENDS src/kernels/*.c)
set(PER_SET ${KERNEL_SOURCES})
list(FILTER PER_SET INCLUDE REGEX "/k_[^/]*\\.c$")
list(FILTER PER_SET EXCLUDE REGEX "/k_ref[^/]*\\.c$")
if(PER_SET)
    list(REMOVE_ITEM KERNEL_SOURCES ${PER_SET})
endif()

# Objects of `files` for one set, with flags beyond the set's own.
function(add_kernels target set files)
    if(NOT files)
        return()
    endif()
    add_library(${target} OBJECT ${files})
    target_link_libraries(${target} PRIVATE mlxc_flags kernel_flags)
    target_compile_options(${target} PRIVATE ${KERNEL_FLAGS} ${FLAGS_${set}} ${ARGN})
    target_compile_definitions(${target} PRIVATE MX_ISA=${set})
    set(KERNEL_OBJECTS ${KERNEL_OBJECTS} $<TARGET_OBJECTS:${target}> PARENT_SCOPE)
endfunction()

set(KERNEL_OBJECTS)
foreach(set ${KERNEL_SETS})
    set(plain ${PER_SET})
    foreach(extra bf16 vnni)
        set(special ${PER_SET})
        list(FILTER special INCLUDE REGEX "_${extra}\\.c$")
        list(FILTER plain EXCLUDE REGEX "_${extra}\\.c$")
        add_kernels(kernels_${set}_${extra} ${set} "${special}" ${EXTRA_${set}_${extra}})
    endforeach()
    add_kernels(kernels_${set} ${set} "${plain}")
endforeach()
