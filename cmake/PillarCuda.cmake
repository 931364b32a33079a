# The CUDA module, libpillar_cuda.so: compiled where there is an nvcc that makes code for LibTorch's CUDA runtime, and
# never linked by anything (src/device/cuda_module.cc opens it). CMake's own CUDA language would ask for a whole toolkit;
# nvcc and the headers of the wheels do.
#
# Input    PILLAR_CUDA      AUTO: where nvcc works; ON: an error where it does not; OFF: never
# Output   PILLAR_HAS_CUDA  whether pillar_cuda_module() can be called
set(PILLAR_CUDA AUTO CACHE STRING "Build the CUDA module: AUTO, ON or OFF")
set_property(CACHE PILLAR_CUDA PROPERTY STRINGS AUTO ON OFF)
if(NOT PILLAR_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "PILLAR_CUDA is '${PILLAR_CUDA}': AUTO, ON or OFF")
endif()

# nvcc's own runtime would be a second one in the process, with devices and errors of its own: LibTorch's is named.
set(PILLAR_NVCC_FLAGS -std=c++20 -O3 -cudart none -Xcompiler=-fPIC,-Wall,-Wextra
  -gencode=arch=compute_80,code=sm_80 -gencode=arch=compute_90,code=sm_90 -gencode=arch=compute_90,code=compute_90)

# Whether the nvcc found compiles and links, for the same CUDA as LibTorch. Says why not in `reason`.
function(pillar_try_nvcc reason)
  set(_source "${CMAKE_BINARY_DIR}/nvcc_check.cu")
  file(WRITE "${_source}" "#include <cuda_bf16.h>\n__global__ void k(__nv_bfloat16* x) { *x = 0; }\nint f() { k<<<1, 1>>>(nullptr); return cudaGetLastError(); }\n")
  execute_process(
    COMMAND "${PILLAR_NVCC}" ${PILLAR_NVCC_FLAGS} -shared -ccbin "${CMAKE_CXX_COMPILER}" "${_source}"
      -Xlinker "${PILLAR_CUDART}" -o "${CMAKE_BINARY_DIR}/nvcc_check.so"
    RESULT_VARIABLE _status OUTPUT_VARIABLE _output ERROR_VARIABLE _output)
  file(REMOVE "${_source}" "${CMAKE_BINARY_DIR}/nvcc_check.so")
  if(_status EQUAL 0)
    set(${reason} "" PARENT_SCOPE)
  else()
    set(${reason} "${PILLAR_NVCC} does not make a module for ${PILLAR_CUDART}: ${_output}" PARENT_SCOPE)
  endif()
endfunction()

set(PILLAR_HAS_CUDA FALSE)
set(_reason "")
if(NOT PILLAR_CUDA STREQUAL "OFF")
  find_program(PILLAR_NVCC nvcc HINTS "${PILLAR_TORCH_ROOT}/../nvidia/cu13/bin" "$ENV{CUDA_HOME}/bin" /usr/local/cuda/bin)
  find_file(PILLAR_CUDART libcudart.so.13 HINTS "${PILLAR_TORCH_ROOT}/../nvidia/cu13/lib" "${PILLAR_TORCH_ROOT}/lib" NO_DEFAULT_PATH)
  if(NOT PILLAR_NVCC)
    set(_reason "no nvcc")
  elseif(NOT PILLAR_CUDART)
    set(_reason "no libcudart.so.13 beside LibTorch")
  elseif(NOT "${PILLAR_NVCC};${PILLAR_CUDART}" STREQUAL "${PILLAR_NVCC_WORKS}")
    pillar_try_nvcc(_reason)
    if(NOT _reason)
      set(PILLAR_NVCC_WORKS "${PILLAR_NVCC};${PILLAR_CUDART}" CACHE INTERNAL "Compiler and runtime that were tried")
    endif()
  endif()
  if(NOT _reason)
    set(PILLAR_HAS_CUDA TRUE)
    message(STATUS "CUDA module: with ${PILLAR_NVCC}")
  elseif(PILLAR_CUDA STREQUAL "ON")
    message(FATAL_ERROR "PILLAR_CUDA is ON, but: ${_reason}")
  else()
    message(STATUS "CUDA module: left out (${_reason})")
  endif()
endif()

# pillar_cuda_kernels(file...): sources of the module, each of the room whose twin on the CPU it has.
function(pillar_cuda_kernels)
  list(TRANSFORM ARGN PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  set_property(GLOBAL APPEND PROPERTY PILLAR_CUDA_KERNELS ${ARGN})
endfunction()

# pillar_cuda_module(): builds libpillar_cuda.so of all kernels, and installs it beside libpillar.so.
function(pillar_cuda_module)
  get_property(_sources GLOBAL PROPERTY PILLAR_CUDA_KERNELS)
  set(_module "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/libpillar_cuda.so")
  set(_objects "")
  foreach(_source IN LISTS _sources)
    get_filename_component(_name "${_source}" NAME_WE)
    set(_object "${CMAKE_CURRENT_BINARY_DIR}/cuda/${_name}.o")
    list(APPEND _objects "${_object}")
    add_custom_command(OUTPUT "${_object}"
      COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_CURRENT_BINARY_DIR}/cuda"
      COMMAND "${PILLAR_NVCC}" ${PILLAR_NVCC_FLAGS} -ccbin "${CMAKE_CXX_COMPILER}" "-I${PROJECT_SOURCE_DIR}/src"
        -MD -MF "${_object}.d" -MT "${_object}" -c "${_source}" -o "${_object}"
      DEPENDS "${_source}" DEPFILE "${_object}.d"
      COMMENT "Building CUDA kernels of ${_name}.cu" VERBATIM)
  endforeach()
  add_custom_command(OUTPUT "${_module}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}"
    COMMAND "${PILLAR_NVCC}" ${PILLAR_NVCC_FLAGS} -shared -ccbin "${CMAKE_CXX_COMPILER}" ${_objects} -Xlinker "${PILLAR_CUDART}" -o "${_module}"
    DEPENDS ${_objects}
    COMMENT "Linking the CUDA module" VERBATIM)
  add_custom_target(pillar_cuda ALL DEPENDS "${_module}")
  install(PROGRAMS "${_module}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endfunction()
