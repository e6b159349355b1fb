#!/usr/bin/env python3
"""scripts/mutate on a tiny tree: it kills what a test notices, and fails for everything else."""
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

TREE = {
    "CMakePresets.json": """{"version": 6, "configurePresets": [{"name": "release",
        "generator": "Ninja", "binaryDir": "${sourceDir}/build/${presetName}"}]}""",
    "CMakeLists.txt": """cmake_minimum_required(VERSION 3.25)
project(tiny LANGUAGES C)
enable_testing()
add_executable(sum_test sum_test.c)
add_test(NAME unit.sum COMMAND sum_test)
add_executable(broken_test broken_test.c)
add_test(NAME unit.broken COMMAND broken_test)
""",
    "sum.h": "static int Sum(int a, int b) {\n  return a + b;\n}\n",
    "sum_test.c": '#include "sum.h"\nint main(void) { return Sum(2, 0) == 2 ? 0 : 1; }\n',
    "broken_test.c": '#include "sum.h"\nint main(void) { return Sum(2, 2) == 4 ? 1 : 0; }\n',
}


def mutant(new, killed_by="^unit\\.sum$", old="  return a + b;", rule="R3"):
    return (f"# What: a sample.\n# rule: {rule}\n# killed-by: {killed_by}\n--- a/sum.h\n+++ b/sum.h\n"
            f"@@ -1,3 +1,3 @@\n static int Sum(int a, int b) {{\n-{old}\n+{new}\n }}\n")


class Mutate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="fencepost-mutate-test-")
        self.addCleanup(self.folder.cleanup)
        self.temp = os.path.join(self.folder.name, "tmp")
        os.mkdir(self.temp)
        for path, text in TREE.items():
            self.write(path, text)

    def write(self, path, text):
        full = os.path.join(self.folder.name, "tree", path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as stream:
            stream.write(text)

    def mutate(self, *arguments, **mutants):
        for name, text in mutants.items():
            self.write(f"tests/mutations/{name}.patch", text)
        done = subprocess.run(
            [sys.executable, os.path.join(TOP, "scripts", "mutate"), "--root",
             os.path.join(self.folder.name, "tree"), "--build-jobs", "1", *arguments],
            text=True, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=dict(os.environ, TMPDIR=self.temp))
        self.assertEqual(os.listdir(self.temp), [], "it did not clean up")
        with open(os.path.join(self.folder.name, "tree", "sum.h"), encoding="utf-8") as stream:
            self.assertEqual(stream.read(), TREE["sum.h"], "it touched the tree")
        self.assertFalse(os.path.exists(os.path.join(self.folder.name, "tree", "build")))
        return done.returncode, done.stdout

    def test_a_mutant_that_a_test_notices_is_killed(self):
        code, output = self.mutate(minus=mutant("  return b - a;"), zero=mutant("  return 0;"))
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"minus +R3 +killed .* unit\.sum")
        self.assertIn("2 of 2 mutants killed: passed", output)

    def test_a_survivor_fails_the_run(self):
        code, output = self.mutate(blind=mutant("  return a - b;"), minus=mutant("  return b - a;"))
        self.assertEqual(code, 1, output)
        self.assertRegex(output, r"blind +R3 +SURVIVED")
        self.assertRegex(output, r"minus +R3 +killed")
        self.assertIn("1 of 2 mutants killed: FAILED", output)

    def test_what_proves_nothing_fails_the_run(self):
        cases = {
            "unparsable": (mutant("  return a +;"), "NOT COMPILED"),
            "moved": (mutant("  return 0;", old="  return b + a;"), "NOT APPLIED"),
            "nameless": (mutant("  return 0;", killed_by="^unit\\.gone$"), "NO TEST"),
            "red": (mutant("  return 0;", killed_by="^unit\\.broken$"), "NO TEST"),
            "headless": (mutant("  return 0;").replace("# killed-by", "# noticed"), "BAD PATCH"),
        }
        code, output = self.mutate("--jobs", "2", **{name: case[0] for name, case in cases.items()})
        self.assertEqual(code, 1, output)
        for name, (_, verdict) in cases.items():
            self.assertRegex(output, rf"{name} +R3 +{verdict}")
        self.assertIn("0 of 5 mutants killed: FAILED", output)

    def test_a_check_says_what_could_not_be_judged_and_builds_nothing(self):
        built = os.path.join(self.folder.name, "built")
        subprocess.run(["cmake", "-G", "Ninja", "-S", os.path.join(self.folder.name, "tree"), "-B",
                        built, "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"], check=True,
                       stdout=subprocess.DEVNULL)
        cases = {
            "survives": (mutant("  return a - b;"), ""),
            "moved": (mutant("  return 0;", old="  return b + a;"), "NOT APPLIED"),
            "nameless": (mutant("  return 0;", killed_by="^unit\\.gone$"), "NO TEST"),
            "headless": (mutant("  return 0;").replace("# killed-by", "# noticed"), "BAD PATCH"),
            "unparsable": (mutant("  return a +;"), "NOT COMPILED"),
        }
        mutants = {name: case[0] for name, case in cases.items()}
        code, output = self.mutate("--check", "--compile", "--build", built, **mutants)
        self.assertEqual(code, 1, output)
        for name, (_, verdict) in cases.items():
            self.assertEqual(verdict != "", f"/{name}.patch" in output, output)
            if verdict:
                self.assertRegex(output, rf"{verdict} \S+/{name}\.patch")
        self.assertIn("1 of 5 mutants apply and compile: FAILED", output)
        code, output = self.mutate("--check", "--build", built, "--only", "unparsable")
        self.assertEqual(code, 0, output)
        self.assertIn("1 of 1 mutants apply: passed", output)
        code, output = self.mutate("--check", "--only", "survives")
        self.assertEqual(code, 1, output)
        self.assertIn("is not configured", output)

    def test_no_mutants_and_unknown_mutants_are_refused(self):
        code, output = self.mutate()
        self.assertEqual(code, 1, output)
        self.assertIn("proves nothing", output)
        code, output = self.mutate("--only", "gone", minus=mutant("  return b - a;"))
        self.assertEqual(code, 1, output)
        self.assertIn("no mutant gone", output)

    def test_one_mutant_alone(self):
        code, output = self.mutate("--only", "minus", minus=mutant("  return b - a;"),
                                   blind=mutant("  return a - b;"))
        self.assertEqual(code, 0, output)
        self.assertNotIn("blind", output)


if __name__ == "__main__":
    unittest.main()
