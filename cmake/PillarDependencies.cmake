# Third-party libraries. All come from Debian bookworm packages (scripts/apt-packages.txt) but LibTorch (scripts/setup.sh).
find_package(LibTorch REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX) # the runtime of LibTorch's own threads
# For all sources: at::parallel_for is a template that runs on one thread where it is compiled without OpenMP.
target_compile_options(pillar_flags INTERFACE "${OpenMP_CXX_FLAGS}")
target_link_libraries(pillar_flags INTERFACE gomp)
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(LibArchive REQUIRED)
find_package(CURL REQUIRED)
pkg_check_modules(LIBAV REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(ONIGURUMA REQUIRED IMPORTED_TARGET oniguruma)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)

# ITK's and DCMTK's package files print pages of notes about optional tools that nobody needs here.
set(_level "${CMAKE_MESSAGE_LOG_LEVEL}")
set(CMAKE_MESSAGE_LOG_LEVEL ERROR)
find_package(DCMTK REQUIRED CONFIG)
find_package(ITK REQUIRED COMPONENTS ITKCommon ITKIOImageBase ITKIONIFTI ITKIONRRD ITKIOMeta ITKImageGrid ITKImageFunction ITKIOGDCM)
set(CMAKE_MESSAGE_LOG_LEVEL "${_level}")

add_library(pillar_dcmtk INTERFACE)
target_link_libraries(pillar_dcmtk INTERFACE dcmjpeg dcmjpls dcmimgle dcmdata oflog ofstd)
target_include_directories(pillar_dcmtk SYSTEM INTERFACE ${DCMTK_INCLUDE_DIRS})

add_library(pillar_itk INTERFACE)
target_link_libraries(pillar_itk INTERFACE ITKCommon ITKIOImageBase ITKIONIFTI ITKIONRRD ITKIOMeta)
foreach(_dir IN LISTS ITK_INCLUDE_DIRS)
  if(NOT _dir STREQUAL "/usr/include") # already on the path, and naming it breaks libstdc++'s include_next
    target_include_directories(pillar_itk SYSTEM INTERFACE "${_dir}")
  endif()
endforeach()

# GDCM decodes JPEG 2000, which Debian's DCMTK has no codec for. Its package file names programs that are not installed,
# so it is found by hand.
find_path(GDCM_INCLUDE_DIR gdcmImageReader.h PATH_SUFFIXES gdcm-3.0 REQUIRED)
find_library(GDCM_MSFF_LIBRARY gdcmMSFF REQUIRED)
find_library(GDCM_DSED_LIBRARY gdcmDSED REQUIRED)
find_library(GDCM_COMMON_LIBRARY gdcmCommon REQUIRED)
add_library(pillar_gdcm INTERFACE)
target_link_libraries(pillar_gdcm INTERFACE ${GDCM_MSFF_LIBRARY} ${GDCM_DSED_LIBRARY} ${GDCM_COMMON_LIBRARY})
target_include_directories(pillar_gdcm SYSTEM INTERFACE "${GDCM_INCLUDE_DIR}")

if(PILLAR_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
find_package(benchmark QUIET)
