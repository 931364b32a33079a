# Language level, warnings, sanitizers, linker and ccache: everything that is said once for all our own targets.
option(PILLAR_BUILD_TESTS "Build the test suite" ON)
option(PILLAR_UNITY "Compile the sources of a target in batches: a clean build takes half the time, a changed file longer" ON)
option(PILLAR_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
set(PILLAR_TORCH_ROOT "${CMAKE_SOURCE_DIR}/.deps/python/torch" CACHE PATH "Folder with LibTorch's lib/ and include/")
set(PILLAR_TEST_PACKAGES "${CMAKE_SOURCE_DIR}/.deps/python-test" CACHE PATH "Python packages that tests hold our files against")
set(PILLAR_GOLDENS "${CMAKE_SOURCE_DIR}/../shared/goldens" CACHE PATH "Reference data; tests that need it are skipped where it is absent")
set(PILLAR_CASES "${CMAKE_SOURCE_DIR}/../shared/cases" CACHE PATH "Scans as they come, with the right answers; tests that need them are skipped where they are absent")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Named outright: CMake takes folders below the source tree, as .deps is, off the paths that it would add itself.
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}" "${PILLAR_TORCH_ROOT}/lib")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(PILLAR_CCACHE ccache)
if(PILLAR_CCACHE)
  # pch_defines and time_macros let ccache serve files that use the precompiled header. CCACHE_DEPEND: a file that is not
  # in the cache is not preprocessed a second time for its sake.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND}" -E env CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${PILLAR_CCACHE}")
endif()
find_program(PILLAR_MOLD mold)

add_library(pillar_flags INTERFACE)
target_compile_options(pillar_flags INTERFACE
  -fPIC # for programs too, so that one precompiled header serves all
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Werror -fno-math-errno
  -Wno-subobject-linkage) # takes the sources of a batch for headers
if(PILLAR_MOLD)
  target_link_options(pillar_flags INTERFACE -fuse-ld=mold)
endif()
if(PILLAR_SANITIZE)
  target_compile_options(pillar_flags INTERFACE
    -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
    -Wno-maybe-uninitialized) # with sanitizers GCC 12 takes std::variant and std::regex for uninitialized
  target_link_options(pillar_flags INTERFACE -fsanitize=address,undefined)
endif()
