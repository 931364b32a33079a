# The two idioms of the tree: a room is an object library, a test is one program per room.

# pillar_room(NAME SOURCES file... [USES room...] [LIBS target...])
# USES lists the rooms whose public headers this one may include (docs/architecture.md); tests/architecture checks it.
function(pillar_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;LIBS" ${ARGN})
  add_library(pillar_${name} OBJECT ${ROOM_SOURCES})
  target_include_directories(pillar_${name}
    PUBLIC "${PROJECT_SOURCE_DIR}/include"
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(pillar_${name} PUBLIC LibTorch::LibTorch PRIVATE pillar_flags fmt::fmt spdlog::spdlog ${ROOM_LIBS})
  target_precompile_headers(pillar_${name} REUSE_FROM pillar_pch)
  set_property(GLOBAL APPEND PROPERTY PILLAR_ROOMS ${name})
  set_property(GLOBAL APPEND PROPERTY PILLAR_ROOM_LIBS ${ROOM_LIBS})
endfunction()

# pillar_app(NAME SOURCES file...): a program that parses its arguments and calls the library.
function(pillar_app name)
  cmake_parse_arguments(APP "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${APP_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/apps")
  target_link_libraries(${name} PRIVATE pillar_app_support ${APP_LIBS})
  install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()

# pillar_tests(ROOM SOURCES file... [LIBS target...]): one GoogleTest program, each of its cases a ctest test.
function(pillar_tests name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name}_tests ${TEST_SOURCES})
  target_include_directories(${name}_tests PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${name}_tests PRIVATE pillar pillar_test_support pillar_flags fmt::fmt spdlog::spdlog GTest::gmock_main ${TEST_LIBS})
  target_precompile_headers(${name}_tests REUSE_FROM pillar_pch)
  gtest_discover_tests(${name}_tests TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 600)
endfunction()
