# SPDX-License-Identifier: GPL-2.0-or-later
# One set of warnings and hardening for every room; gcc 12 and clang 14 both take it.
include(CheckCCompilerFlag)

add_library(vfctl_flags INTERFACE)
target_compile_definitions(vfctl_flags INTERFACE _GNU_SOURCE)
target_compile_options(vfctl_flags INTERFACE
  -Wall -Wextra -Wshadow -Wformat=2 -Wundef -Wstrict-prototypes -Wmissing-prototypes
  -Wpointer-arith -Wwrite-strings -Wvla -Wimplicit-fallthrough -Wcast-qual
  -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers
  -fno-strict-aliasing -fno-common -fstack-protector-strong)
if(VFCTL_WERROR)
  target_compile_options(vfctl_flags INTERFACE -Werror)
endif()

foreach(flag -fstack-clash-protection -fcf-protection -ftrivial-auto-var-init=zero)
  string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
  check_c_compiler_flag(${flag} ${have})
  if(${have})
    target_compile_options(vfctl_flags INTERFACE ${flag})
  endif()
endforeach()

# -Wnull-dereference needs the optimiser's data flow; gcc 12 reports false ones under sanitizers.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT VFCTL_SANITIZE)
  target_compile_options(vfctl_flags INTERFACE -Wnull-dereference)
endif()

if(VFCTL_SANITIZE)
  target_compile_options(vfctl_flags INTERFACE -fsanitize=${VFCTL_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(vfctl_flags INTERFACE -fsanitize=${VFCTL_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  # Fortify needs the optimiser and does not go with the sanitizers' interceptors.
  target_compile_options(vfctl_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(NOT VFCTL_COUNT_TIMES EQUAL 1)
  target_compile_definitions(vfctl_flags INTERFACE COUNT_TIMES=${VFCTL_COUNT_TIMES})
endif()
if(VFCTL_COVERAGE)
  target_compile_options(vfctl_flags INTERFACE --coverage)
  target_link_options(vfctl_flags INTERFACE --coverage)
endif()
if(VFCTL_FUZZ)
  target_compile_options(vfctl_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_link_options(vfctl_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
