# fencepost_library(NAME name LAYER layer SOURCES ... [DEPS ...] [LINKS ...] [ALLOW regex])
# fencepost_program(NAME name SOURCES ... DEPS ... [LINKS ...])
# fencepost_test(NAME name SOURCES ... DEPS ... [LINKS ...] [LABEL unit] [TIMEOUT seconds])
# fencepost_script_test(NAME name COMMAND program args... [ROOT] [LABEL lab] [TIMEOUT seconds]
#                       [RUN_SERIAL])
#
# RUN_SERIAL: never beside another test that says so (clusters that run against the clock); what
# only computes may run beside it.
#
# DEPS are our libraries; LINKS are system libraries; ALLOW names the symbols of a pure system
# library that a base or core library may call (seen in review because it stands in CMakeLists.txt).
#
# Each test has one label, so that `ctest -L` picks a kind: unit (one room, no world),
# integration (env/linux on the real machine, bounded in time), sim (many rooms in the virtual
# world), model (the protocol by model checker), lab (real parts, needs root), peer (other people's
# cluster software, as lab; registered with FENCEPOST_PEERS only), tidy (the house itself: style,
# layers, purity, scripts).
#
# The layers, and what each may be built on:
#   base      values and checks: no I/O, no clock, no globals
#   core      decisions (sans-IO) of one room; cores of different rooms do not know each other
#   assembly  sans-IO too: the cores of several rooms, composed into one daemon's mind
#   port      interfaces to the outside world, no implementation
#   env       implementations of ports for one platform; the only code that makes system calls
#   shell     runs a core or an assembly over ports: reads, steps, performs
#   sim       fake ports and the virtual world; tests only
#   app       main(): options, wiring, nothing else
set(FENCEPOST_MAY_USE_base base)
set(FENCEPOST_MAY_USE_core base core)
set(FENCEPOST_MAY_USE_assembly base core assembly)
set(FENCEPOST_MAY_USE_port base port)
set(FENCEPOST_MAY_USE_env base port env)
set(FENCEPOST_MAY_USE_shell base core assembly port shell)
set(FENCEPOST_MAY_USE_sim base core assembly port shell sim)
set(FENCEPOST_MAY_USE_app base core assembly port shell env app)

set(FENCEPOST_LABELS unit integration sim model lab peer tidy)
set(FENCEPOST_TEST_TIMEOUT 300)  # seconds; a test that needs more names its own TIMEOUT
set(FENCEPOST_SKIPPED 77)        # exit code of a script test that could not run here

option(FENCEPOST_PEERS
  "register tests with other people's clusters (scripts/packages/peers.txt, minutes each)" OFF)
option(FENCEPOST_PROVE_COMPLETE
  "compile each header alone and link each library against its DEPS alone" ON)

define_property(TARGET PROPERTY FENCEPOST_LAYER BRIEF_DOCS "layer" FULL_DOCS "layer")
define_property(TARGET PROPERTY FENCEPOST_FOLDER BRIEF_DOCS "folder" FULL_DOCS "folder")

function(fencepost_library)
  cmake_parse_arguments(L "" "NAME;LAYER;ALLOW" "SOURCES;DEPS;LINKS" ${ARGN})
  add_library(${L_NAME} STATIC ${L_SOURCES})
  set_target_properties(${L_NAME} PROPERTIES FENCEPOST_LAYER ${L_LAYER} LINKER_LANGUAGE CXX
    FENCEPOST_FOLDER ${CMAKE_CURRENT_SOURCE_DIR})
  target_include_directories(${L_NAME} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_features(${L_NAME} PUBLIC cxx_std_20)
  fencepost_link(${L_NAME} ${L_LAYER} ${L_DEPS})
  target_link_libraries(${L_NAME} PUBLIC ${L_LINKS})
  fencepost_check_includes(${L_NAME} "${L_SOURCES}" "${L_DEPS}")
  if(FENCEPOST_PROVE_COMPLETE)
    fencepost_prove_complete(${L_NAME} "${L_SOURCES}" "${L_DEPS}" "${L_LINKS}")
  endif()
  if(L_LAYER MATCHES "^(base|core|assembly)$")  # proof of sans-IO, from the symbols it lacks
    add_test(NAME pure.${L_NAME} COMMAND ${PROJECT_SOURCE_DIR}/cmake/check_pure.sh
      $<TARGET_FILE:${L_NAME}> ${L_ALLOW})
    fencepost_test_properties(pure.${L_NAME} tidy "")
  endif()
endfunction()

# Proof that the declared dependencies are all of them: everything in the archive must link against
# nothing else (a static library alone never complains), and each header must compile alone. The
# source of the same name proves that when it includes its header before anything else; the other
# headers get a source that includes nothing but them.
function(fencepost_prove_complete name sources deps links)
  file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}_link.cc CONTENT "int main() {}\n")
  add_executable(${name}_link ${CMAKE_CURRENT_BINARY_DIR}/${name}_link.cc)
  target_compile_options(${name}_link PRIVATE -O0 -g0)  # it is never run
  target_link_libraries(${name}_link PRIVATE
    -Wl,--whole-archive ${name} -Wl,--no-whole-archive ${deps} ${links})
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR}
             OUTPUT_VARIABLE dir)
  foreach(source ${sources})
    if(source MATCHES "\\.h$")
      fencepost_first_include(first ${source} "${sources}")
      if(NOT first STREQUAL "#include \"${dir}/${source}\"")
        string(MAKE_C_IDENTIFIER ${source} id)
        file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}_${id}.cc
             CONTENT "#include \"${dir}/${source}\"\n")
        target_sources(${name}_link PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${name}_${id}.cc)
      endif()
    endif()
  endforeach()
endfunction()

# The first preprocessor line of the source beside `header`; empty if `sources` has none.
function(fencepost_first_include out header sources)
  string(REGEX REPLACE "\\.h$" ".cc" beside ${header})
  set(line "")
  if(beside IN_LIST sources)
    file(STRINGS ${beside} line LIMIT_COUNT 1 REGEX "^[ \t]*#")
  endif()
  set(${out} "${line}" PARENT_SCOPE)
endfunction()

function(fencepost_link target layer)
  foreach(dep ${ARGN})
    get_target_property(below ${dep} FENCEPOST_LAYER)
    if(NOT below IN_LIST FENCEPOST_MAY_USE_${layer})
      message(FATAL_ERROR "${target} (${layer}) may not use ${dep} (${below}); "
                          "allowed: ${FENCEPOST_MAY_USE_${layer}}")
    endif()
    get_target_property(folder ${dep} FENCEPOST_FOLDER)
    if(layer STREQUAL "core" AND below STREQUAL "core"
       AND NOT folder STREQUAL CMAKE_CURRENT_SOURCE_DIR)
      message(FATAL_ERROR "${target} may not use ${dep}: cores are siblings (${folder})")
    endif()
  endforeach()
  target_link_libraries(${target} PUBLIC ${ARGN})
endfunction()

# Every #include "..." of ours must name a header of this library or of one of its DEPS.
function(fencepost_check_includes name sources deps)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR}
             OUTPUT_VARIABLE dir)
  foreach(source ${sources})
    set_property(GLOBAL PROPERTY FENCEPOST_OWNER_${dir}/${source} ${name})
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})
  foreach(source ${sources})
    file(STRINGS ${source} lines REGEX "^#include \"")
    foreach(line ${lines})
      string(REGEX REPLACE "^#include \"(.*)\".*" "\\1" header "${line}")
      get_property(owner GLOBAL PROPERTY FENCEPOST_OWNER_${header})
      if(NOT owner IN_LIST deps AND NOT owner STREQUAL name)
        message(FATAL_ERROR "${dir}/${source} includes ${header} of '${owner}', "
                            "which is not among the DEPS of ${name}: ${deps}")
      endif()
    endforeach()
  endforeach()
endfunction()

function(fencepost_program)
  cmake_parse_arguments(P "" "NAME" "SOURCES;DEPS;LINKS" ${ARGN})
  add_executable(${P_NAME} ${P_SOURCES})
  target_compile_features(${P_NAME} PRIVATE cxx_std_20)
  fencepost_link(${P_NAME} app ${P_DEPS})
  target_link_libraries(${P_NAME} PUBLIC ${P_LINKS})
  set_target_properties(${P_NAME} PROPERTIES FENCEPOST_LAYER app
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  set_property(GLOBAL APPEND PROPERTY FENCEPOST_PROGRAMS ${P_NAME})
endfunction()

# One gtest program, one ctest entry LABEL.NAME: the names of its cases are in its own output.
function(fencepost_test)
  cmake_parse_arguments(T "" "NAME;LABEL;TIMEOUT" "SOURCES;DEPS;LINKS" ${ARGN})
  if(NOT T_LABEL)
    set(T_LABEL unit)
  endif()
  add_executable(${T_NAME} ${T_SOURCES})
  target_compile_features(${T_NAME} PRIVATE cxx_std_20)
  target_link_libraries(${T_NAME} PRIVATE ${T_DEPS} ${T_LINKS} GTest::gtest_main GTest::gmock)
  # What is tested is optimised as it ships; the cases themselves run once, and compile in half the time.
  target_compile_options(${T_NAME} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
  target_compile_definitions(${T_NAME} PRIVATE FENCEPOST_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${T_LABEL}.${T_NAME} COMMAND ${T_NAME})
  fencepost_test_properties(${T_LABEL}.${T_NAME} ${T_LABEL} "${T_TIMEOUT}")
endfunction()

# A script or program as a test, started in the top folder. It passes by exit code 0 and says by 77
# that it could not run here. ROOT: without root it is skipped, with the reason.
function(fencepost_script_test)
  cmake_parse_arguments(S "ROOT;RUN_SERIAL" "NAME;LABEL;TIMEOUT" "COMMAND" ${ARGN})
  if(S_UNPARSED_ARGUMENTS OR NOT S_NAME OR NOT S_COMMAND)
    message(FATAL_ERROR "fencepost_script_test(${ARGN}): wants NAME and COMMAND, "
                        "does not know '${S_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT S_LABEL)
    set(S_LABEL lab)
  endif()
  if(S_ROOT)
    list(PREPEND S_COMMAND ${PROJECT_SOURCE_DIR}/cmake/need_root.sh)
  endif()
  add_test(NAME ${S_NAME} COMMAND ${S_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  fencepost_test_properties(${S_NAME} ${S_LABEL} "${S_TIMEOUT}")
  set_tests_properties(${S_NAME} PROPERTIES SKIP_RETURN_CODE ${FENCEPOST_SKIPPED}
    ENVIRONMENT "FENCEPOST_BUILD_DIR=${PROJECT_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1")
  if(S_RUN_SERIAL)
    set_tests_properties(${S_NAME} PROPERTIES RESOURCE_LOCK clock)
  endif()
endfunction()

function(fencepost_test_properties name label timeout)
  if(NOT label IN_LIST FENCEPOST_LABELS)
    message(FATAL_ERROR "${name}: no label '${label}'; there are: ${FENCEPOST_LABELS}")
  endif()
  if(NOT timeout)
    set(timeout ${FENCEPOST_TEST_TIMEOUT})
  endif()
  # COST: what may take long starts first, so that nothing long is left for the end.
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout} COST ${timeout})
endfunction()
