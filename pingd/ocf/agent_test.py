#!/usr/bin/env python3
"""The resource agent of pingd with doubles of pingd and attrd_updater: what Pacemaker is told, and
what becomes of the attribute whatever becomes of pingd.

usage: agent_test.py AGENT
"""
import os
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

AGENT = os.path.abspath(sys.argv.pop(1))
SUCCESS, GENERIC, UNIMPLEMENTED, NOT_INSTALLED, CONFIGURED, NOT_RUNNING = 0, 1, 3, 5, 6, 7
PINGD = """#!/bin/sh
# scored, silent, status: what --status says; refuses: it does not start; dies: a daemon that ends at once; deaf: one that ignores SIGTERM.
cd "$DOUBLE" || exit 9
case " $* " in
*" --status "*)
  [ ! -e silent ] || exec sleep 20
  [ -e scored ] || { echo '"published": null'; exit 1; }
  echo '"published": 1000'
  exit "$(cat status)" ;;
*" --loop "*)
  [ ! -e deaf ] || trap '' TERM
  while :; do sleep 0.02; done ;;
esac
echo "$@" >> calls
[ ! -e refuses ] || { echo "pingd: no" >&2; exit 2; }
while [ "$1" != --pid-file ]; do shift; done
if [ -e dies ]; then echo 999999999 > "$2"; exit 0; fi
./pingd --loop > /dev/null 2>&1 &
echo $! > "$2"
touch scored
"""
ATTRD = """#!/bin/sh
echo "$@" >> "$DOUBLE/attrd"
"""


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class AgentTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pingd-agent-")
        self.addCleanup(folder.cleanup)
        self.dir = folder.name
        for name, text in (("pingd", PINGD), ("attrd_updater", ATTRD)):
            self.put(name, text)
            os.chmod(self.path(name), 0o755)
        self.put("status", "0\n")
        self.parameters = {"host_list": "10.0.0.1 10.0.0.2", "multiplier": "1000"}
        self.addCleanup(self.end)

    def path(self, name):
        return os.path.join(self.dir, name)

    def put(self, name, text=""):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)

    def text(self, name):
        try:
            with open(self.path(name), encoding="ascii") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def pid(self):
        return int(self.text("fencepost-pingd-ping/pid"))

    def end(self):
        try:
            os.kill(self.pid(), signal.SIGKILL)
        except (ValueError, ProcessLookupError):
            pass

    def ask(self, action, code):
        environment = {f"OCF_RESKEY_{name}": value for name, value in self.parameters.items()}
        done = subprocess.run(
            [AGENT, action], capture_output=True, text=True, timeout=30, check=False,
            stdin=subprocess.DEVNULL,
            env={"PATH": f"{self.dir}:/usr/bin:/bin", "DOUBLE": self.dir, "HA_RSCTMP": self.dir,
                 "OCF_RESOURCE_INSTANCE": "ping:0", "OCF_RESKEY_CRM_meta_timeout": "1500", **environment})
        self.assertEqual(done.returncode, code, f"{action}: {done.stdout}{done.stderr}")
        return done

    def removed(self):
        return self.text("attrd").count("--name pingd --delete")

    def test_start_monitor_stop(self):
        self.ask("monitor", NOT_RUNNING)
        self.ask("start", SUCCESS)
        self.ask("start", SUCCESS)
        self.assertEqual(self.text("calls").count("\n"), 1, "a second pingd was started")
        for part in ("--daemonize", "--attrd", "--attr-name pingd", "--node 10.0.0.1 10.0.0.2",
                     "--ping-multiplier 1000", "--attr-dampen 5s", "--ping-attempts 3"):
            self.assertIn(part, self.text("calls"))
        self.ask("monitor", SUCCESS)
        pid = self.pid()
        self.ask("stop", SUCCESS)
        self.assertFalse(is_alive(pid))
        self.assertEqual(self.removed(), 1)
        self.ask("stop", SUCCESS)
        self.ask("monitor", NOT_RUNNING)

    def test_a_killed_one_is_a_failure_and_its_score_goes_with_the_stop(self):
        self.ask("start", SUCCESS)
        os.kill(self.pid(), signal.SIGKILL)
        self.assertIn("without being asked", self.ask("monitor", NOT_RUNNING).stderr)
        self.assertEqual(self.removed(), 0, "a monitor changes nothing")
        self.ask("stop", SUCCESS)
        self.assertEqual(self.removed(), 1)

    def test_one_that_does_not_answer_is_a_failure_and_is_killed(self):
        self.put("deaf")
        self.ask("start", SUCCESS)
        self.put("silent")
        self.assertIn("ocf-exit-reason:", self.ask("monitor", GENERIC).stderr)
        pid = self.pid()
        self.ask("stop", SUCCESS)
        self.assertFalse(is_alive(pid))
        self.assertEqual(self.removed(), 1)

    def test_a_low_score_fails_only_where_that_is_wanted(self):
        self.ask("start", SUCCESS)
        self.put("status", "1\n")
        self.ask("monitor", SUCCESS)
        self.parameters["failure_score"] = "1000"
        self.assertIn("below failure_score 1000", self.ask("monitor", GENERIC).stderr)

    def test_what_cannot_start_says_why(self):
        self.put("refuses")
        self.assertIn("pingd: no", self.ask("start", GENERIC).stderr)
        os.unlink(self.path("refuses"))
        self.put("dies")
        self.ask("start", GENERIC)
        self.parameters = {}
        self.assertIn("host_list", self.ask("start", CONFIGURED).stderr)
        self.ask("validate-all", CONFIGURED)
        self.ask("promote", UNIMPLEMENTED)

    def test_a_configuration_file_gives_the_defaults(self):
        self.parameters = {"config": "/etc/x.toml", "dampen": "2sec"}
        self.ask("start", SUCCESS)
        self.assertIn("--config /etc/x.toml", self.text("calls"))
        self.assertIn("--attr-dampen 2s", self.text("calls"))
        self.assertNotIn("--ping-attempts", self.text("calls"))

    def test_it_describes_itself(self):
        self.parameters = {}
        root = xml.fromstring(self.ask("meta-data", SUCCESS).stdout)
        self.assertEqual(root.get("name"), "pingd")
        names = {parameter.get("name") for parameter in root.iter("parameter")}
        self.assertLessEqual({"host_list", "name", "multiplier", "dampen", "failure_score"}, names)


if __name__ == "__main__":
    unittest.main()
