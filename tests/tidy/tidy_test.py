#!/usr/bin/env python3
"""Each house rule refuses its bad sample, at the right line, and lets the good neighbour pass."""
import os
import stat
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import rules  # noqa: E402
import tools  # noqa: E402
from source import cpp_functions, read_tree  # noqa: E402
from tidy import check  # noqa: E402

CONTRACT = "// A thing.\n//\n// Promise: it holds. Errors: none.\n"


def write(root, path, text):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as stream:
        stream.write(text)
    return full


def body(lines):
    return "".join("  Do();\n" for _ in range(lines))


# rule: (what the case is, path, text, line of the problem or None when it must pass)
CASES = {
    "file_length": [
        ("500 lines pass", "a.cc", "\n" * 500, None),
        ("501 lines do not", "a.cc", "\n" * 501, 0),
        ("a long list of words is no program", "a.txt", "\n" * 900, None)],
    "function_length": [
        ("70 lines pass", "a.cc", "void F() {\n" + body(68) + "}\n", None),
        ("71 lines do not", "a.cc", "void F() {\n" + body(69) + "}\n", 1),
        ("a method in a class in a namespace", "a.h",
         "namespace a {\nclass B : public C {\n  int D() const {\n" + body(70) + "  }\n};\n}\n", 3),
        ("a test", "a_test.cc", "TEST(A, B) {\n" + body(70) + "}\n", 1),
        ("a long class of short functions passes", "a.h",
         "class B {\n" + "  int F() { return 1; }\n" * 90 + "};\n", None),
        ("braces in strings and comments do not count", "a.cc",
         'void F() {\n  P("}");  // }\n' + body(70) + "}\n", 1),
        ("a lambda belongs to its function", "a.cc",
         "void F() {\n  auto g = [&](int) {\n" + body(68) + "  };\n}\n", 1),
        ("a long Python function", "a.py", "def f():\n" + "    g()\n" * 70, 1),
        ("a Python function of 70 lines passes", "a.py", "def f():\n" + "    g()\n" * 69, None)],
    "header_contract": [
        ("a contract passes", "a.h", CONTRACT + "#pragma once\n", None),
        ("no comment", "a.h", "#pragma once\n", 1),
        ("a comment that promises nothing", "a.h", "// A thing.\n#pragma once\n", 1),
        ("a header of the tests is not public", "tests/a.h", "#pragma once\n", None),
        ("a helper of the tests beside it is not public", "a_testing.h", "#pragma once\n", None)],
    "headers_are_read_once": [
        ("no pragma once", "a.h", CONTRACT, 1),
        ("nor in a helper of the tests", "tests/a_testing.h", CONTRACT, 1),
        ("one in a comment", "a.h", "// #pragma once\n", 1),
        ("a header passes", "a.h", "#pragma once\n", None)],
    "no_sleep_in_tests": [
        ("sleep_for", "a_test.cc", "\nstd::this_thread::sleep_for(x);\n", 2),
        ("usleep", "a_test.cc", "usleep (1);\n", 1),
        ("a comment about it passes", "a_test.cc", "// no sleep_for(x)\n", None)],
    "tests_are_built": [
        ("a test that nothing builds", "b/a_test.cc", "", 0),
        ("a test of a longer name is not this one", "b/fence_test.cc", "", 0),
        ("a test listed beside it passes", "b/listed_test.cc", "", None),
        ("a test listed by a parent folder passes", "b/c/deep_test.cc", "", None),
        ("a test that a function of the folder completes passes", "b/c/stem_test.cc", "", None),
        ("a test in a comment is not built", "b/dead_test.cc", "", 0)],
    "no_conditional_compilation": [
        ("#if", "a.cc", "\n#if 0\n#endif\n", 2),
        ("#ifdef", "a.cc", "#ifdef NDEBUG\n#endif\n", 1),
        ("#ifndef that guards nothing", "a.h", "#ifndef A\n#include <b>\n#endif\n", 1),
        ("an include guard passes", "a.h", "#ifndef A_H\n#define A_H\n#endif\n", None),
        ("env is where platforms differ", "env/linux/a.cc", "#ifdef __linux__\n#endif\n", None)],
    "nothing_left_over": [
        ("unfinished work", "a.cc", "\n// TO" "DO: the rest\n", 2),
        ("in documents too", "a.md", "FIX" "ME\n", 1),
        ("a template of mktemp passes", "a.sh", "mktemp -d /tmp/a.XX" "XXXX\n", None),
        ("a path of one machine", "a.txt", "cd /wo" "rk/here\n", 1),
        ("a home", "a.txt", "see /ro" "ot/notes\n", 1),
        ("part of another path passes", "a.txt", "/srv/chroot/ro" "ot/x\n", None)],
    "clean_lines": [
        ("a tab", "a.txt", "a\n\tb\n", 2),
        ("blanks at the end", "a.txt", "a \n", 1),
        ("an unended last line", "a.txt", "a", 1),
        ("a patch keeps its blanks", "a.patch", " \n", None),
        ("a makefile needs tabs", "rules", "#!/usr/bin/make -f\na:\n\tb\n", None)],
    "links_resolve": [
        ("a dead link", "d/a.md", "\n[x](gone.md)\n", 2),
        ("a dead link with an anchor", "d/a.md", "[x](gone.md#part)\n", 1),
        ("a living link passes", "d/a.md", "[x](../b/CMakeLists.txt#top) [y](#here)\n", None),
        ("the web is not asked", "d/a.md", "[x](https://example.org/gone)\n", None),
        ("code is no link", "d/a.md", "`[x](gone)`\n```\n[x](gone)\n```\n", None)],
    "decisions_are_listed": [
        ("a decision that the index does not know", "docs/adr/0003-new.md", "", 0),
        ("a number twice", "docs/adr/0001-two.md", "", 0),
        ("a page without a number", "docs/adr/notes.md", "", 0),
        ("a listed page passes", "docs/adr/0002-listed.md", "", None)],
    "python_compiles": [
        ("a syntax error", "a.py", "\ndef f(:\n", 2),
        ("a script without suffix", "a", "#!/usr/bin/env python3\nif\n", 2),
        ("good Python passes", "a.py", "print(1)\n", None)],
    "clang_format": [
        ("crooked", "a.cc", "int  a;\n", 1),
        ("straight passes", "a.cc", "int a;\n", None)],
    "man_pages": [
        ("no name section", "a.8", ".Dd\n.Sh WRONG\n", 1),
        ("a page passes", "a.8", ".Dd January 1, 2026\n.Dt A 8\n.Os\n.Sh NAME\n.Nm a\n"
         ".Nd do it\n.Sh DESCRIPTION\nIt does.\n", None)],
    "shell_syntax": [
        ("an open if", "a.sh", "if true; then\n", 0),
        ("a script without suffix", "a", "#!/bin/sh\ncase\n", 0),
        ("a good script passes", "a.sh", "true\n", None)],
}


class Rules(unittest.TestCase):
    def problems(self, root, rule_name):
        files = read_tree(root)
        for rule in rules.ALL:
            if rule.__name__ == rule_name:
                return list(rule(files))
        for name, find, rule in tools.ALL:
            if rule.__name__ == rule_name:
                program = find()
                if not program:
                    self.skipTest(f"{name} is not installed")
                return list(rule(program, files))
        return self.fail(f"no rule {rule_name}")

    def test_each_rule_has_cases_that_pass_and_cases_that_do_not(self):
        names = {rule.__name__ for rule in rules.ALL} | {t[2].__name__ for t in tools.ALL}
        self.assertEqual(names, set(CASES))
        for name, cases in CASES.items():
            self.assertTrue(any(case[3] is None for case in cases), name)
            self.assertTrue(any(case[3] is not None for case in cases), name)

    def test_cases(self):
        for rule_name, cases in CASES.items():
            for what, path, text, line in cases:
                with self.subTest(rule=rule_name, case=what), \
                        tempfile.TemporaryDirectory() as root:
                    write(root, ".clang-format", "BasedOnStyle: Google\n")
                    write(root, "b/CMakeLists.txt", "x(unfence_test.cc listed_test.cc "
                          "c/deep_test.cc) y(stem_test)  # dead_test.cc\n")
                    write(root, "docs/adr/0000-index.md", "(0001-one.md) (0001-two.md) "
                          "(0002-listed.md)\n")
                    write(root, "docs/adr/0001-one.md", "")
                    write(root, path, text)
                    found = self.problems(root, rule_name)
                    lines = [found_line for found_path, found_line, _ in found
                             if found_path == path]
                    self.assertEqual(lines[:1], [] if line is None else [line], found)

    def test_functions_are_measured_where_they_are(self):
        text = "int a = 1;\nstruct A {\n  A() : b_{1} {\n    C();\n  }\n  int b_;\n};\n"
        self.assertIn((3, 1), cpp_functions(text))
        self.assertEqual(cpp_functions("constexpr int k[] = {1, 2};\nint F() {\n}\n"), [(2, 2)])


class Missing(unittest.TestCase):
    def test_a_program_that_is_not_installed_fails_in_ci_and_is_named_elsewhere(self):
        with tempfile.TemporaryDirectory() as root:
            path = write(root, "bin/nothing", "")
            os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
            before = os.environ["PATH"]
            os.environ["PATH"] = os.path.dirname(path)
            try:
                _, problems, omitted = check(root, ci=False)
                self.assertEqual(problems, [])
                self.assertEqual(len(omitted), len(tools.ALL))
                _, problems, _ = check(root, ci=True)
                self.assertEqual(len(problems), len(tools.ALL))
            finally:
                os.environ["PATH"] = before


if __name__ == "__main__":
    unittest.main()
