# The three idioms of the tree: a room is an object library, a program is a folder of sources, a test is one program a room.

# pillar_optimize(file...): sources whose loops gain from -O3. (Rooms say so as a whole, by LOOPS; a release build has -O2
# elsewhere, -O1 in programs and tests.)
function(pillar_optimize)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS -O3)
  endif()
endfunction()

# pillar_unity(target): its sources are compiled in batches, so that the headers which they share are read once a
# batch. A source with compile options of its own stays alone. PILLAR_ALONE lists targets whose sources are all compiled alone,
# which is quicker for whoever works on just these: -DPILLAR_ALONE="pillar_model;model_tests".
function(pillar_unity target)
  set(_unity ${PILLAR_UNITY})
  if(target IN_LIST PILLAR_ALONE)
    set(_unity OFF)
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${_unity} UNITY_BUILD_MODE BATCH UNITY_BUILD_BATCH_SIZE 16)
endfunction()

# Code that is run once is not worth the optimiser's time.
function(pillar_optimize_little target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# The fence of a room: the folder of links that is its whole include path. It holds the room's own headers, the public headers
# (pillar/ROOM/) of every room below it, and what those lend to other rooms (ROOM/shared/), so that a header which docs/architecture.md
# does not allow is not found. `uses` lists the rooms that may be named; what their public headers include in turn is reached too.
function(pillar_fence name folder uses)
  file(REMOVE_RECURSE "${folder}")
  file(MAKE_DIRECTORY "${folder}/pillar")
  foreach(_room IN LISTS uses)
    if(EXISTS "${PROJECT_SOURCE_DIR}/include/pillar/${_room}")
      file(CREATE_LINK "${PROJECT_SOURCE_DIR}/include/pillar/${_room}" "${folder}/pillar/${_room}" SYMBOLIC)
    endif()
    if(EXISTS "${PROJECT_SOURCE_DIR}/src/${_room}/shared")
      file(MAKE_DIRECTORY "${folder}/${_room}")
      file(CREATE_LINK "${PROJECT_SOURCE_DIR}/src/${_room}/shared" "${folder}/${_room}/shared" SYMBOLIC)
    endif()
  endforeach()
  if(name AND EXISTS "${PROJECT_SOURCE_DIR}/include/pillar/${name}")
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/include/pillar/${name}" "${folder}/pillar/${name}" SYMBOLIC)
  endif()
  if(name)
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/src/${name}" "${folder}/${name}" SYMBOLIC)
  endif()
endfunction()

# pillar_room(NAME [LOOPS] SOURCES file... [USES room...] [LIBS target...])
# LOOPS: a room whose loops over voxels or scores are worth -O3.
# USES is the room's row in docs/architecture.md: the rooms whose headers it may include. They must have been added before, so
# that arrows point down only.
function(pillar_room name)
  cmake_parse_arguments(ROOM "LOOPS" "" "SOURCES;USES;LIBS" ${ARGN})
  get_property(_rooms_below GLOBAL PROPERTY PILLAR_ROOMS)
  set(_reached ${ROOM_USES})
  foreach(_room IN LISTS ROOM_USES)
    if(NOT _room IN_LIST _rooms_below)
      message(FATAL_ERROR "room ${name} uses ${_room}, which is no room below it (src/CMakeLists.txt)")
    endif()
    get_property(_below GLOBAL PROPERTY PILLAR_REACHED_BY_${_room})
    list(APPEND _reached ${_below})
  endforeach()
  list(REMOVE_DUPLICATES _reached)
  set_property(GLOBAL PROPERTY PILLAR_REACHED_BY_${name} ${_reached})
  set_property(GLOBAL APPEND PROPERTY PILLAR_ROOMS ${name})
  set_property(GLOBAL APPEND PROPERTY PILLAR_ROOM_LIBS ${ROOM_LIBS})
  list(JOIN ROOM_USES " " _row)
  set_property(GLOBAL APPEND_STRING PROPERTY PILLAR_ROOM_ROWS "${name}: ${_row}\n")

  set(_fence "${CMAKE_BINARY_DIR}/fences/${name}")
  pillar_fence(${name} "${_fence}" "${_reached}")
  add_library(pillar_${name} OBJECT ${ROOM_SOURCES})
  target_include_directories(pillar_${name} PRIVATE "${_fence}")
  target_link_libraries(pillar_${name} PUBLIC LibTorch::LibTorch PRIVATE pillar_flags fmt::fmt spdlog::spdlog ${ROOM_LIBS})
  target_precompile_headers(pillar_${name} REUSE_FROM pillar_pch)
  if(ROOM_LOOPS)
    target_compile_options(pillar_${name} PRIVATE $<$<CONFIG:Release>:-O3>)
  endif()
  pillar_unity(pillar_${name})
endfunction()

# pillar_app(NAME SOURCES file...): a program that parses its arguments and calls the library.
function(pillar_app name)
  cmake_parse_arguments(APP "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${APP_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/apps")
  target_link_libraries(${name} PRIVATE pillar_app_support ${APP_LIBS})
  pillar_optimize_little(${name})
  pillar_unity(${name})
  install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  set_property(GLOBAL APPEND PROPERTY PILLAR_PROGRAMS ${name})
endfunction()

# pillar_tests(ROOM SOURCES file... [LIBS target...]): one GoogleTest program, each of its cases a ctest test. It reaches the
# public headers of all rooms, what they lend (shared/), and the private headers of its own room.
function(pillar_tests name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LIBS" ${ARGN})
  get_property(_rooms GLOBAL PROPERTY PILLAR_ROOMS)
  set(_fence "${CMAKE_BINARY_DIR}/fences/${name}_tests")
  if(name IN_LIST _rooms)
    list(REMOVE_ITEM _rooms ${name})
    pillar_fence(${name} "${_fence}" "${_rooms}")
  else()
    pillar_fence("" "${_fence}" "${_rooms}")
  endif()
  add_executable(${name}_tests ${TEST_SOURCES})
  target_include_directories(${name}_tests PRIVATE "${_fence}" "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${name}_tests PRIVATE pillar pillar_test_support pillar_flags fmt::fmt spdlog::spdlog GTest::gmock_main ${TEST_LIBS})
  target_precompile_headers(${name}_tests REUSE_FROM pillar_pch)
  pillar_optimize_little(${name}_tests)
  pillar_unity(${name}_tests)
  gtest_discover_tests(${name}_tests TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 600)
endfunction()
