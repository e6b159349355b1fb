"""The house rules that a machine can keep. A rule takes the files of the tree and yields problems
as (path, line, text): line 0 is the file as a whole. Each has a bad sample in tidy_test.py."""
import ast
import os
import re

from source import blank, cpp_functions

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70


def file_length(files):
    for file in files:
        if file.is_cpp or file.is_python or file.is_shell or file.is_cmake:
            lines = file.text.count("\n")
            if lines > MAX_FILE_LINES:
                yield file.path, 0, f"{lines} lines; at most {MAX_FILE_LINES}: split it by duty"


def function_length(files):
    for file in files:
        functions = []
        if file.is_cpp:
            functions = cpp_functions(file.text)
        elif file.is_python:
            try:
                functions = [(node.lineno, node.end_lineno - node.lineno + 1)
                             for node in ast.walk(ast.parse(file.text))
                             if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
            except SyntaxError:
                pass  # python_compiles says it
        for line, length in functions:
            if length > MAX_FUNCTION_LINES:
                yield file.path, line, (f"function of {length} lines; at most "
                                        f"{MAX_FUNCTION_LINES}: give its parts names")


def header_contract(files):
    for file in files:
        if (not file.path.endswith(".h") or file.path.startswith("tests/")
                or file.path.endswith("_testing.h")):
            continue
        comment = []
        for line in file.lines:
            if not line.startswith("//"):
                break
            comment.append(line)
        if not comment:
            yield file.path, 1, "a public header starts with a comment that says what it is"
        elif not re.search(r"\b(Promise|Errors):", "\n".join(comment)):
            yield file.path, 1, "the header's first comment says neither 'Promise:' nor 'Errors:'"


def headers_are_read_once(files):
    for file in files:
        if file.path.endswith(".h") and not re.search(r"^#pragma once$", file.text, re.M):
            yield file.path, 1, "a header has '#pragma once'"


SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(")


def no_sleep_in_tests(files):
    for file in files:
        if file.path.endswith("_test.cc"):
            for number, line in enumerate(blank(file.text).split("\n"), 1):
                if SLEEP.search(line):
                    yield file.path, number, "a unit test does not sleep: hand in the time"


def tests_are_built(files):
    cmake = {}
    for file in files:
        if file.name == "CMakeLists.txt":
            cmake[os.path.dirname(file.path)] = re.sub(r"#.*", "", file.text)
    for file in files:
        if not file.path.endswith("_test.cc"):
            continue
        folder, name = os.path.dirname(file.path), file.name
        stem = re.escape(name[:-len(".cc")])  # a function of the folder may add path and suffix
        while not re.search(rf"(?<![\w./-])({re.escape(name)}|{stem})(?![\w.-])",
                            cmake.get(folder, "")):
            if not folder:
                yield file.path, 0, "no CMakeLists.txt builds this test"
                break
            name = os.path.join(os.path.basename(folder), name)
            folder = os.path.dirname(folder)


def no_conditional_compilation(files):
    for file in files:
        if not file.is_cpp or file.path.startswith("env/"):
            continue
        lines = blank(file.text, keep_strings=True).split("\n")
        for number, line in enumerate(lines, 1):
            if not re.match(r"\s*#\s*if", line):
                continue
            guard = re.match(r"\s*#\s*ifndef\s+(\w+)\s*$", line)
            after = lines[number] if number < len(lines) else ""
            if guard and re.match(r"\s*#\s*define\s+" + guard.group(1) + r"\s*$", after):
                continue
            yield file.path, number, "conditional compilation: a platform is a folder of env"


UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}-])/(work|root)/")


def nothing_left_over(files):
    for file in files:
        for number, line in enumerate(file.lines, 1):
            mark = UNFINISHED.search(line)
            if mark:
                yield file.path, number, f"'{mark.group(1)}': finish it or open an issue"
            if MACHINE_PATH.search(line):
                yield file.path, number, "a path of one machine"


def clean_lines(files):
    for file in files:
        if file.path.endswith(".patch") or file.path.startswith("tests/golden/"):
            continue  # their bytes are somebody else's
        for number, line in enumerate(file.lines, 1):
            if "\t" in line and not file.is_makefile:
                yield file.path, number, "a tab"
            if line != line.rstrip():
                yield file.path, number, "blanks at the end of the line"
        if file.text and not file.text.endswith("\n"):
            yield file.path, len(file.lines), "the last line has no end"


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def links_resolve(files):
    for file in files:
        if not file.path.endswith(".md"):
            continue
        text = re.sub(r"^```.*?^```", lambda m: re.sub(r"[^\n]", "", m.group(0)), file.text,
                      flags=re.M | re.S)
        for number, line in enumerate(text.split("\n"), 1):
            for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
                path = target.split("#")[0]
                if not path or re.match(r"[a-z]+:", target):
                    continue
                base = "" if path.startswith("/") else os.path.dirname(file.path)
                there = os.path.join(file.root, base, path.lstrip("/"))
                if not os.path.exists(there):
                    yield file.path, number, f"the link leads nowhere: {target}"


def decisions_are_listed(files):
    pages = {file.name: file for file in files if file.path.startswith("docs/adr/")}
    index = pages.get("0000-index.md")
    numbers = {}
    for name, file in sorted(pages.items()):
        number = name[:4]
        if number == "0000":
            continue
        if not re.match(r"\d{4}-[a-z0-9-]+\.md$", name):
            yield file.path, 0, "a decision is docs/adr/NNNN-what-was-decided.md"
        elif number in numbers:
            yield file.path, 0, f"its number is taken by {numbers[number]}"
        elif not index or f"({name})" not in index.text:
            yield file.path, 0, "not in docs/adr/0000-index.md: add a line"
        numbers.setdefault(number, name)


def python_compiles(files):
    for file in files:
        if file.is_python:
            try:
                compile(file.text, file.path, "exec")
            except SyntaxError as error:
                yield file.path, error.lineno or 0, f"does not compile: {error.msg}"


ALL = [file_length, function_length, header_contract, headers_are_read_once,
       no_sleep_in_tests, tests_are_built, no_conditional_compilation, nothing_left_over, clean_lines,
       links_resolve, decisions_are_listed, python_compiles]
