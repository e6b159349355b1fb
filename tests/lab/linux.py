"""The few things of Linux that the lab needs and Python lacks, and how the lab runs programs.

Promise: whatever fails raises LabError naming the thing, the cause and (where there is one) the
         remedy; nothing here waits without a deadline.
Time:    now_ns() is CLOCK_BOOTTIME, the one clock of all records; durations are seconds (float).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_NOSUID = 2
MS_NODEV = 4
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
PR_SET_PDEATHSIG = 1
COMMAND_DEADLINE = 30.0  # no single tool of ours (ip, nft, tgtadm) takes longer on a sane machine

_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The lab could not do what it was asked; the message is for a person."""


def now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _checked(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def unshare(flags: int) -> None:
    _checked(_libc.unshare(flags), f"unshare({flags:#x})")


def set_namespace(fd: int, kind: int, what: str) -> None:
    _checked(_libc.setns(fd, kind), what)


def die_with_parent() -> None:
    _checked(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    _checked(
        _libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()),
        f"mount {kind or source} on {target}",
    )


@contextmanager
def network_of(pid: int) -> Iterator[None]:
    """This thread inside the network namespace of `pid`; sockets opened here stay there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            set_namespace(there, CLONE_NEWNET, f"enter the network of pid {pid}")
        finally:
            os.close(there)
        try:
            yield
        finally:
            set_namespace(home, CLONE_NEWNET, "return to the own network")
    finally:
        os.close(home)


def wait_for(what: str, ready: Callable[[], T], deadline: float, step: float = 0.01) -> T:
    """The first true answer of `ready`; LabError if there is none within `deadline` seconds."""
    end = time.monotonic() + deadline
    while True:
        answer = ready()
        if answer:
            return answer
        if time.monotonic() >= end:
            raise LabError(f"{what}: not within {deadline:g} s")
        time.sleep(step)


def run(
    *command: str,
    net: int | None = None,
    feed: str | None = None,
    deadline: float = COMMAND_DEADLINE,
    env: dict[str, str] | None = None,
) -> str:
    """Standard output of `command`, run in the network namespace of pid `net` if given."""
    done = attempt(*command, net=net, feed=feed, deadline=deadline, env=env)
    if done.returncode != 0:
        cause = done.stderr.strip() or done.stdout.strip() or "it printed nothing"
        raise LabError(f"`{' '.join(command)}` ended with {done.returncode}: {cause}")
    return done.stdout


def attempt(
    *command: str,
    net: int | None = None,
    feed: str | None = None,
    deadline: float = COMMAND_DEADLINE,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """As run(), but a failing command is an answer; only a command that hangs is an error."""
    full: Sequence[str] = within(net, command)
    try:
        return subprocess.run(
            full, input=feed, capture_output=True, text=True, timeout=deadline, env=env
        )
    except subprocess.TimeoutExpired as late:
        raise LabError(f"`{' '.join(command)}` gave no answer within {deadline:g} s") from late
    except FileNotFoundError as missing:
        raise LabError(f"{missing.filename}: not installed; run scripts/test once") from missing


def within(net: int | None, command: Sequence[str]) -> list[str]:
    prefix = [] if net is None else ["nsenter", "-t", str(net), "-n", "--"]
    return [*prefix, *command]


def first_child(parent: int) -> int | None:
    """The oldest living child of `parent`, seen from the lab's pid namespace."""
    try:
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as children:
            pids = children.read().split()
    except OSError:
        return None
    return int(pids[0]) if pids else None


def end_process(process: subprocess.Popen[bytes], deadline: float = 5.0) -> None:
    """SIGKILL and reap; also a stopped process ends."""
    if process.poll() is None:
        process.kill()
    try:
        process.wait(deadline)
    except subprocess.TimeoutExpired as stuck:
        raise LabError(f"pid {process.pid} survives SIGKILL for {deadline:g} s") from stuck
