#!/usr/bin/env python3
"""layers_test.py CXX: the build refuses what the layers forbid.

A small project with the real cmake/ folder is configured once; then each forbidden thing is put into
it and must be refused by the configuration, by the compiler or linker, or by the purity test, with
the words that name the culprit. The clean project passes all three, so that a refusal means something.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPILER = sys.argv.pop() if len(sys.argv) > 1 else "c++"

HEADER = "#pragma once\nnamespace fencepost {{\nint {0}();\n}}\n"
SOURCE = '#include "{0}/{0}.h"\nnamespace fencepost {{\nint {0}() {{ return 1; }}\n}}\n'

# What a core may not call: name -> (include, body). Each must fail pure.core_<name>.
IMPURE = {
    "clock": ("chrono", "return int(std::chrono::steady_clock::now().time_since_epoch().count());"),
    "time": ("ctime", "return int(time(nullptr));"),
    "getenv": ("cstdlib", "return getenv(\"X\") != nullptr;"),
    "thread": ("thread", "std::thread t([] {}); t.join(); return 1;"),
    "sleep": ("thread", "std::this_thread::sleep_for(std::chrono::seconds(1)); return 1;"),
    "random": ("random", "return int(std::random_device{}());"),
    "rand": ("cstdlib", "return rand();"),
    "file": ("fcntl.h", "return open(\"x\", 0);"),
    "stream": ("iostream", "std::cerr << 1; return 1;"),
    "print": ("cstdio", "return printf(\"x\");"),
    "exit": ("cstdlib", "exit(1);"),
    "socket": ("sys/socket.h", "return socket(1, 1, 0);"),
    "mutex": ("pthread.h", "static pthread_mutex_t m; return pthread_mutex_lock(&m);"),
}

# What the configuration refuses: case -> (CMake text, files, words of the refusal).
FORBIDDEN = {
    "a core on an implementation of a port": (
        "fencepost_library(NAME x LAYER core SOURCES x.cc DEPS real)", {"x.cc": ""},
        "x (core) may not use real (env)"),
    "a core on a port": (
        "fencepost_library(NAME x LAYER core SOURCES x.cc DEPS ports)", {"x.cc": ""},
        "x (core) may not use ports (port)"),
    "a core on a core of another room": (
        "fencepost_library(NAME x LAYER core SOURCES x.cc DEPS alpha)", {"x.cc": ""},
        "cores are siblings"),
    "a base on a core": (
        "fencepost_library(NAME x LAYER base SOURCES x.cc DEPS alpha)", {"x.cc": ""},
        "x (base) may not use alpha (core)"),
    "a shell on an implementation": (
        "fencepost_library(NAME x LAYER shell SOURCES x.cc DEPS real)", {"x.cc": ""},
        "x (shell) may not use real (env)"),
    "an assembly on a port": (
        "fencepost_library(NAME x LAYER assembly SOURCES x.cc DEPS ports)", {"x.cc": ""},
        "x (assembly) may not use ports (port)"),
    "a program on the simulator": (
        "fencepost_program(NAME x SOURCES x.cc DEPS world)", {"x.cc": "int main() {}\n"},
        "x (app) may not use world (sim)"),
    "an include of what is not among the DEPS": (
        "fencepost_library(NAME x LAYER core SOURCES x.cc DEPS ground)",
        {"x.cc": '#include "real/real.h"\n'}, "includes real/real.h"),
    "an include that nobody owns": (
        "fencepost_library(NAME x LAYER core SOURCES x.cc DEPS ground)",
        {"x.cc": '#include "ground/hidden.h"\n'}, "includes ground/hidden.h"),
    "a test with a label of its own": (
        "fencepost_script_test(NAME x LABEL mine COMMAND true)", {}, "no label 'mine'"),
    "a script test with an unknown word": (
        "fencepost_script_test(NAME x COMMAND true AS_ROOT yes)\nfencepost_script_test(NAME y ROOT)",
        {}, "wants NAME and COMMAND"),
}

ROOMS = [("ground", "base", ""), ("ports", "port", "ground"), ("real", "env", "ports"),
         ("alpha", "core", "ground"), ("mind", "assembly", "alpha"), ("world", "sim", "ports")]


class Project:
    """The small project: files, and what CMake, the compiler and ctest say about it."""

    def __init__(self, root):
        self.root, self.build = root, os.path.join(root, "build")
        shutil.copytree(os.path.join(TOP, "cmake"), os.path.join(root, "cmake"))
        for name, layer, below in ROOMS:
            self.write(f"{name}/{name}.h", HEADER.format(name))
            self.write(f"{name}/{name}.cc", SOURCE.format(name))
            self.write(f"{name}/CMakeLists.txt", f"fencepost_library(NAME {name} LAYER {layer} "
                       f"SOURCES {name}.cc {name}.h DEPS {below})\n")
        self.rooms([])

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as stream:
            stream.write(text)

    def rooms(self, more):
        names = [room[0] for room in ROOMS] + more
        self.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.25)\n"
                   "project(layers LANGUAGES CXX)\nset(CMAKE_CXX_EXTENSIONS OFF)\n"
                   "enable_testing()\ninclude(cmake/Fencepost.cmake)\n" +
                   "".join(f"add_subdirectory({name})\n" for name in names))

    def configure(self):
        return self.run("cmake", "-G", "Ninja", "-S", self.root, "-B", self.build,
                        f"-DCMAKE_CXX_COMPILER={COMPILER}")

    def make(self, target="all"):
        return self.run("ninja", "-C", self.build, "-j2", "-k0", target)

    @staticmethod
    def run(*command):
        done = subprocess.run(command, text=True, check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout


class Layers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="fencepost-layers-")
        cls.project = Project(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_1_the_clean_project_passes(self):
        for code, output in (self.project.configure(), self.project.make(),
                             self.project.run("ctest", "--test-dir", self.project.build,
                                              "--no-tests=error")):
            self.assertEqual(code, 0, output)

    def test_2_the_configuration_refuses(self):
        for case, (cmake, files, words) in FORBIDDEN.items():
            with self.subTest(case=case):
                self.project.write("x/CMakeLists.txt", cmake + "\n")
                for path, text in files.items():
                    self.project.write("x/" + path, text)
                self.project.rooms(["x"])
                code, output = self.project.configure()
                self.assertNotEqual(code, 0, "accepted")
                self.assertIn(words, " ".join(output.split()))

    def test_3_the_purity_test_refuses(self):
        cmake = ""
        for name, (include, code) in IMPURE.items():
            self.project.write(f"impure/{name}.cc", f"#include <{include}>\nnamespace fencepost {{\n"
                               f"int {name}_() {{ {code} }}\n}}\n")
            cmake += f"fencepost_library(NAME core_{name} LAYER core SOURCES {name}.cc DEPS ground)\n"
        self.project.write("impure/CMakeLists.txt", cmake)
        self.project.rooms(["impure"])
        for code, output in (self.project.configure(), self.project.make()):
            self.assertEqual(code, 0, output)
        _, output = self.project.run("ctest", "--test-dir", self.project.build, "-R", "^pure")
        for name in IMPURE:
            with self.subTest(call=name):
                self.assertRegex(output, rf"pure\.core_{name} \.+\**Failed")
        for name in ("ground", "alpha", "mind"):
            self.assertRegex(output, rf"pure\.{name} \.+ +Passed")

    def test_4_the_compiler_and_the_linker_refuse(self):
        lib = "fencepost_library(NAME {0} LAYER core SOURCES {1} DEPS {2})\n"
        self.project.write("y/CMakeLists.txt", lib.format("undeclared", "undeclared.cc", "ground") +
                           lib.format("lonely", "lonely.h", "ground") +
                           lib.format("complete", "complete.cc complete.h", "ground") +
                           lib.format("late", "late.cc late.h", "ground") +
                           lib.format("first", "first.cc first.h", "ground"))
        self.project.write("y/undeclared.cc", "namespace fencepost {\nint real();\n"
                           "int undeclared() { return real(); }\n}\n")
        self.project.write("y/lonely.h", "#pragma once\ninline std::string lonely;\n")
        self.project.write("y/complete.h", "#pragma once\n#include <string>\nstd::string complete();\n")
        self.project.write("y/complete.cc", '#include "y/complete.h"\n'
                           "std::string complete() { return {}; }\n")
        # Its own source proves a header complete only when it includes it before anything else.
        self.project.write("y/late.h", "#pragma once\nstd::string late();\n")
        self.project.write("y/late.cc", '#include <string>\n#include "y/late.h"\n'
                           "std::string late() { return {}; }\n")
        self.project.write("y/first.h", "#pragma once\nstd::string first();\n")
        self.project.write("y/first.cc", '#include "y/first.h"\n#include <string>\n'
                           "std::string first() { return {}; }\n")
        self.project.rooms(["y"])
        code, output = self.project.configure()
        self.assertEqual(code, 0, output)
        for target, words in (("undeclared_link", "undefined reference"),
                              ("lonely_link", "lonely.h"), ("late_link", "late.h"),
                              ("first_link", "first.h")):
            code, output = self.project.make(target)
            self.assertNotEqual(code, 0, f"{target} was built")
            self.assertIn(words, output)
        code, output = self.project.make("complete_link")
        self.assertEqual(code, 0, output)


if __name__ == "__main__":
    unittest.main()
