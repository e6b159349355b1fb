#!/bin/sh
# check_pure.sh ARCHIVE [REGEX]: fails if the archive calls anything but itself, memory, containers
# and the symbols of REGEX. What is allowed is listed, so that an I/O call nobody thought of fails too.
allow='^(fencepost::|guard variable for fencepost::|vtable for (fencepost::|__cxxabiv1::|std::(exception|logic_error|runtime_error|bad_))|typeinfo (for|name for) |operator (new|delete)|__cxa_|__gxx_personality|__clang_call_terminate|__dynamic_cast|_Unwind_Resume|_GLOBAL_OFFSET_TABLE_|__dso_handle$|__stack_chk_fail|__(asan|ubsan|tsan|gcov|sanitizer)_|_?_?lsan_|__sancov|(bcmp|mem(cpy|move|set|cmp|chr)|strlen|strcmp|abort|__assert_fail)$|std::(nothrow$|__throw_|terminate|__detail::|_Hash_bytes|_Rb_tree_|__cxx11::basic_string|basic_string_view|to_chars|from_chars|allocator<|exception|logic_error|runtime_error|bad_|invalid_argument|out_of_range|length_error))'
[ -n "$2" ] && allow="$allow|^($2)"
outside=$(nm -uC "$1" | sed -n 's/^ *[Uvw] //p' | sort -u | grep -vE "$allow")
[ -z "$outside" ] || { printf '%s must be pure but calls:\n%s\n' "$1" "$outside"; exit 1; }
