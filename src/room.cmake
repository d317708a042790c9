# SPDX-License-Identifier: GPL-2.0-or-later
# A room is one folder under src with one purpose. It sees its own headers and those of the rooms
# that it names in USES, and no others: an upward or skipping #include does not compile.
#
#   room(sriov DIR lib/sriov SRC numvfs.c vf.c USES base host pci PKG libnl-3.0)
#
# A header is included by its room's path below src, with "lib/" left out: "host/host.h",
# "sriov/numvfs.h", "vmm/pci/device.h"; inside the own room the bare file name does.
# USES is not transitive for headers; at link time everything below comes along.

function(room_include_dir name out)
  set(${out} ${CMAKE_BINARY_DIR}/rooms/${name} PARENT_SCOPE)
endfunction()

# A folder per room that holds nothing but one link to the room's sources.
function(room_publish name dir)
  string(REGEX REPLACE "^lib/" "" prefix ${dir})
  room_include_dir(${name} farm)
  get_filename_component(parent ${farm}/${prefix} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${dir} ${farm}/${prefix} SYMBOLIC)
endfunction()

# Gives `target` the headers of `rooms` and links them.
function(use_rooms target)
  foreach(used ${ARGN})
    if(NOT TARGET room_${used})
      message(FATAL_ERROR "${target} uses room '${used}', which is not built below it")
    endif()
    room_include_dir(${used} dir)
    target_include_directories(${target} PRIVATE ${dir})
    target_link_libraries(${target} PRIVATE room_${used})
  endforeach()
endfunction()

function(use_packages target)
  foreach(pkg ${ARGN})
    string(MAKE_C_IDENTIFIER "pkg_${pkg}" id)
    if(NOT TARGET PkgConfig::${id})
      pkg_check_modules(${id} REQUIRED IMPORTED_TARGET GLOBAL ${pkg})
    endif()
    target_link_libraries(${target} PRIVATE PkgConfig::${id})
  endforeach()
endfunction()

function(room name)
  cmake_parse_arguments(R "" "DIR" "SRC;USES;PKG" ${ARGN})
  if(NOT R_DIR)
    set(R_DIR ${name})
  endif()
  list(TRANSFORM R_SRC PREPEND ${CMAKE_SOURCE_DIR}/src/${R_DIR}/)
  add_library(room_${name} STATIC ${R_SRC})
  target_link_libraries(room_${name} PRIVATE vfctl_flags)
  room_publish(${name} ${R_DIR})
  use_rooms(room_${name} ${R_USES})
  use_packages(room_${name} ${R_PKG})
endfunction()

# program(vfctl DIR cli SRC main.c … USES … PKG …): an executable made of a folder and rooms, which
# is installed in the folder TO, else where users find it.
function(program name)
  cmake_parse_arguments(P "" "DIR;TO" "SRC;USES;PKG" ${ARGN})
  if(NOT P_TO)
    set(P_TO ${CMAKE_INSTALL_BINDIR})
  endif()
  list(TRANSFORM P_SRC PREPEND ${CMAKE_SOURCE_DIR}/src/${P_DIR}/)
  add_executable(${name} ${P_SRC})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  target_link_libraries(${name} PRIVATE vfctl_flags)
  target_compile_definitions(${name} PRIVATE VFCTL_VERSION="${PROJECT_VERSION}")
  use_rooms(${name} ${P_USES})
  use_packages(${name} ${P_PKG})
  install(TARGETS ${name} RUNTIME DESTINATION ${P_TO})
endfunction()
