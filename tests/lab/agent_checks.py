"""What the tests of fence agents ask of one run."""
import re
import subprocess
import time

from ipmi_bmc import expect

LIMIT_S = 60  # for one agent run


class Run:
    def __init__(self, code, out, err, took):
        self.code, self.out, self.err, self.took = code, out, err, took

    def __str__(self):
        return f"exit {self.code}, {self.took:.2f} s\nstdout: {self.out}\nstderr: {self.err}"


def run(program, options):
    """The program with these options on its stdin; None leaves one out."""
    text = "".join(f"{name}={value}\n" for name, value in options.items() if value is not None)
    begun = time.monotonic()
    process = subprocess.run([program], input=text, capture_output=True, text=True, timeout=LIMIT_S,
                             check=False)
    return Run(process.returncode, process.stdout, process.stderr, time.monotonic() - begun)


def expect_failure(result, phase, cause, within):
    last = (result.err.strip().splitlines() or [""])[-1]
    expect(result.code == 1, f"exit code is not 1\n{result}")
    expect(result.out == "", f"stdout is not empty\n{result}")
    expect(re.search(f"failed phase={phase} cause={cause}: ", last),
           f"the last line on stderr does not say phase={phase} cause={cause}\n{result}")
    expect(result.took < within + 10, f"took much longer than {within} s\n{result}")


def expect_done(result, code, out):
    expect(result.code == code and result.out.strip() == out,
           f"expected exit {code} and '{out}'\n{result}")
