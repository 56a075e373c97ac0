# CMake package of mlc: models as libraries.
#
#     find_package(mlc REQUIRED)
#     mlc_add_model(fashion fashion.onnx TARGET x86-avx2)
#     target_link_libraries(app PRIVATE fashion)        # and in app.c: #include "fashion.h"
#
# mlc_add_model(NAME MODEL [TARGET T] [PREFIX P] [OPTIONS ...])
#     makes the static library NAME out of MODEL (relative to the source folder), compiled for T
#     (default: host). P (default: NAME) is the header's name and the prefix of the C names. OPTIONS
#     are further options of `mlc optimize`. The report lies beside the header, in the folder that
#     the target property MLC_OUTPUT_DIR names.
#
# mlc::abi is mlc_abi.h for programs that handle models of any kind: #include <mlc/mlc_abi.h>.

cmake_policy(PUSH)
cmake_policy(VERSION 3.20...3.30)

# Real, because /lib may be a link to /usr/lib, and a prefix of / has no include folder.
get_filename_component(_mlc_dir "${CMAKE_CURRENT_LIST_DIR}" REALPATH)
get_filename_component(_mlc_prefix "${_mlc_dir}/../../.." ABSOLUTE)
set(MLC_EXECUTABLE "${_mlc_prefix}/bin/mlc" CACHE FILEPATH "the mlc program")

# Does this mlc write dependency files? They name files of weights beside the model.
execute_process(COMMAND "${MLC_EXECUTABLE}" optimize -MD -MF f -MT t -h
  RESULT_VARIABLE _mlc_no_depfile OUTPUT_QUIET ERROR_QUIET)
if(_mlc_no_depfile)
  set(MLC_DEPFILE FALSE)
else()
  set(MLC_DEPFILE TRUE)
endif()

if(NOT TARGET mlc::mlc)
  add_executable(mlc::mlc IMPORTED)
  set_target_properties(mlc::mlc PROPERTIES IMPORTED_LOCATION "${MLC_EXECUTABLE}")
  add_library(mlc::abi INTERFACE IMPORTED)
  set_target_properties(mlc::abi PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_mlc_prefix}/include")
endif()

function(mlc_add_model name model)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "TARGET;PREFIX" "OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "mlc_add_model(${name}): unexpected '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT arg_TARGET)
    set(arg_TARGET host)
  endif()
  if(NOT arg_PREFIX)
    string(MAKE_C_IDENTIFIER "${name}" arg_PREFIX)
  endif()
  if(CMAKE_C_COMPILER_LOADED)
    set(language C)
  elseif(CMAKE_CXX_COMPILER_LOADED)
    set(language CXX)
  else()
    message(FATAL_ERROR "mlc_add_model(${name}): enable the language C or CXX first")
  endif()
  get_filename_component(model "${model}" ABSOLUTE)

  set(dir "${CMAKE_CURRENT_BINARY_DIR}/${name}.mlc")
  set(out "${dir}/${arg_PREFIX}")
  file(MAKE_DIRECTORY "${dir}")
  set(depfile)
  set(depends)
  if(MLC_DEPFILE)
    set(depfile -MD -MF "${out}.d" -MT "${out}.o")
    set(depends DEPFILE "${out}.d")
  endif()
  add_custom_command(
    OUTPUT "${out}.o" "${out}.h"
    BYPRODUCTS "${out}.json" "${out}.time.json"
    COMMAND mlc::mlc optimize "${model}" -q -t "${arg_TARGET}" -o "${out}" --prefix "${arg_PREFIX}"
            ${depfile} ${arg_OPTIONS}
    ${depends}
    DEPENDS "${model}" mlc::mlc
    COMMENT "mlc ${name}"
    VERBATIM)

  add_library(${name} STATIC "${out}.o" "${out}.h")
  set_source_files_properties("${out}.o" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  set_source_files_properties("${out}.h" PROPERTIES HEADER_FILE_ONLY TRUE GENERATED TRUE)
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE ${language} MLC_OUTPUT_DIR "${dir}")
  target_include_directories(${name} INTERFACE "${dir}")
  target_link_libraries(${name} INTERFACE m pthread)
endfunction()

cmake_policy(POP)
