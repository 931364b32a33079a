# Finds LibTorch inside a PyPI wheel (or any other torch folder) without TorchConfig.cmake, which demands a CUDA toolkit.
#
# Input    PILLAR_TORCH_ROOT   folder that holds lib/libtorch_cpu.so and include/ATen (the wheel's torch/ folder)
# Output   LibTorch::LibTorch  imported target: libtorch_cpu + libc10, SYSTEM includes, the c10d defines
#
# The wheel's include folder also carries its own copy of fmt, which would shadow the system's (spdlog is built against
# that one). So the headers are reached through a folder of links that leaves fmt out.
find_path(LibTorch_INCLUDE_ROOT ATen/core/Tensor.h
  HINTS "${PILLAR_TORCH_ROOT}/include" NO_DEFAULT_PATH)
find_library(LibTorch_CPU_LIBRARY torch_cpu HINTS "${PILLAR_TORCH_ROOT}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_C10_LIBRARY c10 HINTS "${PILLAR_TORCH_ROOT}/lib" NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_ROOT
  REASON_FAILURE_MESSAGE "Run scripts/setup.sh, or point -DPILLAR_TORCH_ROOT= at a folder with lib/libtorch_cpu.so.")

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  set(_links "${CMAKE_BINARY_DIR}/libtorch-include")
  file(MAKE_DIRECTORY "${_links}")
  file(GLOB _entries RELATIVE "${LibTorch_INCLUDE_ROOT}" "${LibTorch_INCLUDE_ROOT}/*")
  foreach(_entry IN LISTS _entries)
    if(NOT _entry STREQUAL "fmt")
      file(CREATE_LINK "${LibTorch_INCLUDE_ROOT}/${_entry}" "${_links}/${_entry}" SYMBOLIC)
    endif()
  endforeach()
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LibTorch_C10_LIBRARY}")
  add_library(LibTorch::LibTorch SHARED IMPORTED)
  set_target_properties(LibTorch::LibTorch PROPERTIES
    IMPORTED_LOCATION "${LibTorch_CPU_LIBRARY}"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${_links};${_links}/torch/csrc/api/include"
    INTERFACE_INCLUDE_DIRECTORIES "${_links};${_links}/torch/csrc/api/include"
    # With the last one LibTorch's own headers include the operators that they call, not all 2,600 of them.
    INTERFACE_COMPILE_DEFINITIONS "USE_DISTRIBUTED;USE_C10D_GLOO;USE_RPC;USE_TENSORPIPE;AT_PER_OPERATOR_HEADERS"
    INTERFACE_LINK_LIBRARIES LibTorch::c10)
endif()
