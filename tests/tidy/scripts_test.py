#!/usr/bin/env python3
"""What scripts/lib.sh and scripts/test promise about the host, with dpkg, apt, cmake and ctest
replaced by stand-ins on the PATH and the tree by a copy of scripts/."""
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# A package is installed when a file of its name is in $HERE/installed.
DPKG_QUERY = ('[ -e "$HERE/installed/${4}" ] && printf "config-files installed " && exit 0\n'
              '[ "${4}" != beta ] || printf "not-installed "; exit 1\n')
APT_GET = """echo "$@" >> "$HERE/apt.log"
[ -e "$HERE/policy" ] && grep -q 'exit 101' "$HERE/policy" && echo guarded >> "$HERE/apt.log"
case "$*" in
  *update*) touch "$HERE/updated"; exit 0 ;;
  *--simulate*) [ ! -e "$HERE/stale" ] || [ -e "$HERE/updated" ]; exit ;;
esac
[ ! -e "$HERE/hang" ] || { echo hanging; exec sleep 60; }
[ ! -e "$HERE/broken" ] || exit 100
for word; do case $word in -* | install) ;; *) touch "$HERE/installed/$word" ;; esac; done
"""
CMAKE = 'mkdir -p build/release/Testing/Temporary; touch build/release/build.ninja\n'
CTEST = """mkdir -p build/release/Testing/Temporary
cp "$HERE/last" build/release/Testing/Temporary/LastTest.log
cat "$HERE/ctest"
exit "$(cat "$HERE/code")"
"""
TIMES = ("1/3 Test #7: unit.a .........   Passed    0.50 sec\n"
         " 2/3 Test #12: lab.b .........***Failed   12.25 sec\n"
         " 3/3 Test  #1: tidy ..........***Exception: SegFault  1.00 sec\n")
PASSED = "\n100% tests passed, 0 tests failed out of 2\n\nTotal Test time (real) =   0.01 sec\n"
SKIPPED = PASSED + "\nThe following tests did not run:\n\t  2 - lab.target (Skipped)\n"


class Scripts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fencepost-scripts-")
        self.addCleanup(folder.cleanup)
        self.here = folder.name
        os.chmod(self.here, 0o755)
        self.tree = os.path.join(self.here, "tree")
        shutil.copytree(os.path.join(TOP, "scripts"), os.path.join(self.tree, "scripts"))
        os.mkdir(os.path.join(self.here, "installed"))
        for name, text in (("dpkg-query", DPKG_QUERY), ("apt-get", APT_GET), ("cmake", CMAKE),
                           ("ctest", CTEST)):
            self.put(f"bin/{name}", "#!/bin/sh\n" + text, 0o755)
        self.put("tree/scripts/packages/tiny.txt", "# a tier\nalpha\nbeta  # why\n")

    def put(self, path, text="", mode=0o644):
        full = os.path.join(self.here, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(full, mode)

    def has(self, path):
        return os.path.exists(os.path.join(self.here, path))

    def text(self, path):
        with open(os.path.join(self.here, path), encoding="utf-8") as stream:
            return stream.read()

    def environment(self, **more):
        path = os.path.join(self.here, "bin") + ":" + os.environ["PATH"]
        kept = {key: value for key, value in os.environ.items()
                if key != "CI" and not key.startswith("SUDO_")}
        return dict(kept, PATH=path, HERE=self.here, **more)

    def start(self, code, root=True, **environment):
        program = (f'top="{self.tree}"; . "$top/scripts/lib.sh"; policy_rc_d="{self.here}/policy"\n'
                   f"is_root() {{ {'true' if root else 'false'}; }}\n{code}\n")
        return subprocess.Popen(["bash", "-u", "-c", program, "script"], text=True,
                                env=self.environment(**environment), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                start_new_session=True)

    def bash(self, code, root=True, **environment):
        process = self.start(code, root, **environment)
        output, _ = process.communicate()
        return process.returncode, output

    def test_installs_only_what_is_missing_and_guards_it(self):
        self.put("installed/alpha")
        code, output = self.bash("install_packages tiny; [ ! -e $policy_rc_d ] && echo restored")
        self.assertEqual(code, 0, output)
        self.assertIn("restored", output)
        log = self.text("apt.log")
        self.assertIn("install beta\nguarded", log)
        self.assertNotIn("alpha", log)
        self.assertNotIn("update", log)
        self.assertFalse(self.has("policy"))

    def test_asks_nothing_of_apt_when_all_is_there(self):
        self.put("installed/alpha")
        self.put("installed/beta")
        for root in (True, False):
            code, output = self.bash("install_packages tiny", root)
            self.assertEqual((code, output), (0, ""))
        self.assertFalse(self.has("apt.log"))

    def test_without_root_it_names_what_is_missing(self):
        code, output = self.bash("install_packages tiny; echo went on", root=False)
        self.assertEqual(code, 1)
        self.assertIn("packages are missing: alpha beta; run with sudo", output)
        self.assertNotIn("went on", output)
        self.assertFalse(self.has("apt.log"))

    def test_an_existing_policy_stays_as_it_was(self):
        self.put("policy", "#!/bin/sh\nexit 0\n", 0o700)
        code, output = self.bash("install_packages tiny")
        self.assertEqual(code, 0, output)
        self.assertEqual(self.text("policy"), "#!/bin/sh\nexit 0\n")

    def test_a_failed_install_leaves_no_policy(self):
        self.put("broken")
        code, output = self.bash("install_packages tiny; echo went on")
        self.assertEqual(code, 1)
        self.assertIn("could not install: alpha beta", output)
        self.assertFalse(self.has("policy"))

    def test_a_killed_install_leaves_no_policy(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.put("hang")
            process = self.start("install_packages tiny")
            for line in process.stdout:
                if line.startswith("hanging"):
                    break
            self.assertTrue(self.has("policy"))
            os.killpg(process.pid, number)
            process.communicate()
            self.assertEqual(process.returncode, 128 + number)
            self.assertFalse(self.has("policy"), number)

    def test_lists_are_updated_only_when_apt_does_not_know_a_package(self):
        self.put("stale")
        code, output = self.bash("install_packages tiny")
        self.assertEqual(code, 0, output)
        self.assertEqual(self.text("apt.log").count("update"), 1)

    def test_exit_actions_run_last_first_and_keep_the_code(self):
        code, output = self.bash("at_exit 'echo one'; at_exit 'echo two'; exit 7")
        self.assertEqual((code, output), (7, "two\none\n"))

    def test_the_real_lists_are_words_without_repetition(self):
        for name in ("build", "test", "demo", "all"):
            lines = [line.split("#")[0].strip() for line in
                     self.text(f"tree/scripts/packages/{name}.txt").split("\n")]
            words = [line for line in lines if line]
            self.assertEqual(len(words), len(set(words)), name)
            self.assertGreater(len(words), 0, name)
            for word in words:
                self.assertRegex(word, r"^[a-z0-9][a-z0-9+.-]+$")

    @unittest.skipIf(os.getuid() != 0, "needs root")
    def test_under_sudo_work_is_done_as_the_caller_and_is_his_afterwards(self):
        os.mkdir(os.path.join(self.tree, "build"))
        sudo = {"SUDO_UID": "65534", "SUDO_GID": "65534"}
        code, output = self.bash("as_user id -u", **sudo)
        self.assertEqual((code, output), (0, "0\n"), "the tree is root's: stay root")
        os.chown(self.tree, 65534, 65534)
        code, output = self.bash("as_user id -u; as_user id -g; touch $top/build/by_root; "
                                 "return_build_to_user", **sudo)
        self.assertEqual((code, output), (0, "65534\n65534\n"))
        self.assertEqual(os.stat(os.path.join(self.tree, "build/by_root")).st_uid, 65534)

    def run_test(self, *arguments, ctest=PASSED, last="", code=0, **environment):
        for path, text in (("ctest", ctest), ("last", last), ("code", f"{code}\n")):
            self.put(path, text)
        done = subprocess.run([os.path.join(self.tree, "scripts/test"), "--no-install", *arguments],
                              env=self.environment(TMPDIR=self.here, **environment), text=True,
                              check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual([name for name in os.listdir(self.here) if name.startswith("fencepost-")],
                         [], "it did not clean up")
        return done.returncode, done.stdout

    def test_it_ends_with_the_summary_and_the_verdict(self):
        code, output = self.run_test()
        self.assertEqual(code, 0, output)
        self.assertTrue(output.endswith(PASSED.strip() + "\n\nscripts/test: passed\n"), output)

    def test_it_says_which_tests_were_the_slowest(self):
        _, output = self.run_test(ctest=TIMES + PASSED)
        self.assertIn("slowest: lab.b 12.25 s, tidy 1.00 s, unit.a 0.50 s\n", output)

    def test_a_failing_ctest_fails_the_run(self):
        code, output = self.run_test(code=8)
        self.assertEqual(code, 1)
        self.assertTrue(output.endswith("scripts/test: FAILED: test release\n"), output)

    def test_a_skipped_test_is_named_and_in_ci_it_fails_the_run(self):
        reason = "skipped: this test needs root; run: sudo scripts/test\n"
        code, output = self.run_test(ctest=SKIPPED, last=reason)
        self.assertEqual(code, 0, output)
        self.assertIn("skipped (release): lab.target\n  reason: this test needs root", output)
        code, output = self.run_test(ctest=SKIPPED, last=reason, CI="true")
        self.assertEqual(code, 1, output)
        self.assertIn("in CI nothing may be skipped", output)

    def test_a_case_that_gtest_skips_counts_as_skipped(self):
        last = "[  SKIPPED ] 1 test, listed below:\n[  SKIPPED ] Disk.WritesDirectly\n"
        code, output = self.run_test(last=last)
        self.assertEqual(code, 0, output)
        self.assertIn("skipped (release): Disk.WritesDirectly\n", output)
        self.assertEqual(self.run_test(last=last, CI="true")[0], 1)

    def test_what_does_not_exist_is_refused(self):
        code, output = self.run_test("--soak")
        self.assertEqual(code, 1, output)
        self.assertIn("not part of this tree yet", output)
        for wrong in (["--nonsense"], ["-j", "0"], ["-j", "x"]):
            self.assertEqual(self.run_test(*wrong)[0], 1, wrong)


if __name__ == "__main__":
    unittest.main()
