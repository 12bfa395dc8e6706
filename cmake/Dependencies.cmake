# Every library that ekshume links; docs/dependencies.md says why each is there.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(simdjson REQUIRED)
# simdjson's on-demand reader is compiled for one kind of processor: westmere (SSE4.2 and PCLMUL,
# 2010) is several times as fast as its portable one.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set_property(TARGET simdjson::simdjson APPEND PROPERTY INTERFACE_COMPILE_OPTIONS -march=westmere)
endif()
find_package(PkgConfig REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(archive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(yara REQUIRED IMPORTED_TARGET yara)
pkg_check_modules(curl REQUIRED IMPORTED_TARGET libcurl)
find_package(pugixml REQUIRED)
# libharu has no description for pkg-config or CMake.
find_library(HPDF_LIBRARY hpdf REQUIRED)
find_path(HPDF_INCLUDE_DIR hpdf.h REQUIRED)
# DuckDB comes from npm (third_party/package.json, installed by tools/install-dependencies): the
# shared library from one package, its C header from another.
set(duckdb_modules ${CMAKE_SOURCE_DIR}/third_party/node_modules)
set(EKSHUME_DUCKDB_LIBRARY ${duckdb_modules}/@duckdb/node-bindings-linux-x64/libduckdb.so)
if(NOT EXISTS ${EKSHUME_DUCKDB_LIBRARY})
  message(FATAL_ERROR "DuckDB is missing: run tools/install-dependencies")
endif()
add_library(DuckDB::duckdb SHARED IMPORTED GLOBAL)
set_target_properties(DuckDB::duckdb PROPERTIES IMPORTED_LOCATION ${EKSHUME_DUCKDB_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${duckdb_modules}/duckdb/src/duckdb/src/include)
# Optional: `containers mount` says so when it was built without it.
pkg_check_modules(fuse3 IMPORTED_TARGET fuse3)
find_package(GTest)
find_package(benchmark QUIET)
