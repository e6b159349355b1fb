#!/usr/bin/env python3
"""install_test.py CMAKE PACKAGING PROGRAM...: what `cmake --install` puts in place is whole.

Every program that is built is installed and says its version, every one has its man page, every man
page of the tree is there, every unit starts an installed daemon and every daemon has a unit.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

BUILD = os.environ.get("FENCEPOST_BUILD_DIR", "build/release")
CMAKE, PACKAGING, *PROGRAMS = sys.argv[1:]
TOP = os.path.dirname(PACKAGING)


def run(*command, **more):
    done = subprocess.run(command, text=True, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    return done.returncode, done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="fencepost-install-")
        cls.addClassCleanup(cls.folder.cleanup)
        code, output = run(CMAKE, "--install", BUILD, "--prefix", "/usr",
                           env=dict(os.environ, DESTDIR=cls.folder.name))
        if code != 0:
            raise AssertionError("cmake --install: " + output)

    def files(self, pattern):
        return sorted(glob.glob(os.path.join(self.folder.name, pattern), recursive=True))

    def names(self, pattern):
        return [os.path.basename(path) for path in self.files(pattern)]

    def programs(self):
        """In sbin, or where others call them by their path; a link is another name of one."""
        return [path for path in self.files("usr/sbin/*") + self.files("usr/libexec/fencepost/*")
                if not os.path.islink(path)]

    def test_every_program_is_there_and_nothing_else(self):
        self.assertGreater(len(PROGRAMS), 6)
        self.assertEqual(sorted(os.path.basename(path) for path in self.programs()),
                         sorted(PROGRAMS))
        for path in self.files("usr/libexec/fencepost/*"):
            self.assertTrue(os.path.exists(path), "a link to nothing")
        self.assertEqual(self.files("usr/bin/*") + self.files("usr/lib*/**/*.a"), [])

    def test_every_program_says_its_version(self):
        with open(os.path.join(TOP, "CMakeLists.txt"), encoding="utf-8") as stream:
            version = re.search(r"^project\(fencepost VERSION (\S+)", stream.read(), re.M).group(1)
        for path in self.programs():
            with self.subTest(program=os.path.basename(path)):
                said = [run(path, option, timeout=30) for option in ("--version", "-V")]
                self.assertTrue(any(code == 0 and version in text for code, text in said), said)

    def test_every_program_and_every_page_has_its_man_page(self):
        pages = sorted(self.names("usr/share/man/man*/*"))
        self.assertEqual(pages, sorted(os.listdir(os.path.join(TOP, "docs", "man"))))
        for program in PROGRAMS:  # fencepost_x: the page of x is another package's
            named = {f"{program}.8", f"fencepost_{program}.8"}
            self.assertTrue(named & set(pages), f"no page of {program}")
        for path in self.files("usr/share/man/man*/*"):
            self.assertTrue(os.path.dirname(path).endswith("man" + path[-1]), path)

    def test_resource_agents_describe_themselves(self):
        agents = self.files("usr/lib/ocf/resource.d/fencepost/*")
        self.assertEqual([os.path.basename(path) for path in agents], ["pingd"])
        for path in agents:
            code, text = run(path, "meta-data", timeout=30, env={})
            self.assertEqual(code, 0, text)
            root = xml.fromstring(text)
            self.assertEqual((root.tag, root.get("name")), ("resource-agent", os.path.basename(path)))
            actions = {action.get("name") for action in root.iter("action")}
            self.assertLessEqual({"start", "stop", "monitor", "meta-data", "validate-all"}, actions)
            self.assertIn(os.path.basename(path), PROGRAMS)

    def test_units_and_daemons_belong_together(self):
        started = set()
        for path in self.files("usr/lib/systemd/system/*.service"):
            with open(path, encoding="utf-8") as stream:
                text = stream.read()
            self.assertNotIn("@", re.sub(r"^#.*", "", text, flags=re.M))
            self.assertIn("ConditionPathExists=/etc/fencepost/fencepost.toml\n", text)
            program, option = re.search(r"^ExecStart=/\S+/(\w+) (\S+)$", text, re.M).groups()
            self.assertIn(option, run(os.path.join(self.folder.name, "usr/sbin", program), "--help")[1])
            self.assertEqual(os.path.basename(path), program + ".service")
            self.assertIn(program, PROGRAMS)
            started.add(program)
        self.assertEqual(started, {name for name in PROGRAMS if name.endswith("d")})

    def test_the_unit_of_qdiskd_lets_it_end_the_machine(self):
        (path,) = self.files("usr/lib/systemd/system/qdiskd.service")
        with open(path, encoding="utf-8") as unit:
            lines = dict(line.strip().split("=", 1) for line in unit if "=" in line)
        self.assertIn("CAP_SYS_BOOT", lines["CapabilityBoundingSet"].split(), "reboot(2)")
        self.assertEqual(lines["ProtectKernelTunables"], "no", "/proc/sysrq-trigger")

    def test_systemd_understands_the_units(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        root = self.folder.name
        for path in self.files("usr/lib/systemd/system/*.service"):
            # The programs are not below / here; what else it says is ours.
            code, output = run("systemd-analyze", "--man=no", "verify", path)
            mine = [line for line in output.splitlines() if os.path.basename(path) in line
                    and "is not executable" not in line]
            self.assertEqual(mine, [], f"{code} {root}")

    def test_examples_and_documents_are_there(self):
        for name in ("examples/two-node.toml", "examples/cib.xml", "install.md", "fencing.md"):
            self.assertEqual(len(self.files("usr/share/doc/fencepost/" + name)), 1, name)
        self.assertEqual(len(self.files("usr/lib/tmpfiles.d/fencepost.conf")), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
