# `cmake --install` and find_package(pillar).
include(CMakePackageConfigHelpers)

install(TARGETS pillar EXPORT pillarTargets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY configs DESTINATION "${CMAKE_INSTALL_DATADIR}/pillar")
install(DIRECTORY include/pillar DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
set(_package "${CMAKE_INSTALL_LIBDIR}/cmake/pillar")
install(EXPORT pillarTargets NAMESPACE pillar:: DESTINATION "${_package}")
configure_package_config_file(cmake/pillarConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/pillarConfig.cmake"
  INSTALL_DESTINATION "${_package}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/pillarConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/pillarConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/pillarConfigVersion.cmake"
  cmake/FindLibTorch.cmake DESTINATION "${_package}")
