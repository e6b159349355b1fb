"""The shell around a whole lab: pid, mount, network and ipc namespaces that die with the lab.

Everything that a lab starts, mounts or plugs in lives in here. When the lab ends, however it ends
(return, exception, SIGINT, SIGTERM, SIGKILL of any of its processes), the kernel kills the pid
namespace, and mounts, bridges and files in LAB_ROOT go with it. The host sees none of them, and
nothing of the lab listens on the host.

Promise: run_sandboxed(main) returns main's exit code, 128+signal when a signal ended it, and
         EXIT_SKIPPED after one line on stderr when the machine does not let us do this.
Time:    after SIGINT or SIGTERM the lab has GRACE seconds to end by itself.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from linux import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    MS_BIND,
    MS_NODEV,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    LabError,
    die_with_parent,
    mount,
    set_namespace,
    unshare,
)

EXIT_SKIPPED = 77  # ctest's and automake's "skipped"
GRACE = 10.0
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LAB_ROOT = "/run/fencepost-lab"  # a tmpfs of the lab's own; no host file is hidden but /run
HOST_PID = "FENCEPOST_LAB_HOST_PID"  # tells --keep how a person gets in from the host


def run_sandboxed(main: Callable[[], int]) -> int:
    home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        unshare(CLONE_NEWPID)
    except OSError as refused:
        os.close(home)
        if refused.errno not in (errno.EPERM, errno.ENOSYS, errno.EINVAL, errno.ENOSPC):
            raise
        return _refuse(refused)
    alive_read, alive_write = os.pipe()
    # Until each process has its own handlers, a signal waits: none may unwind into the caller twice.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    child = os.fork()
    if child == 0:
        os.close(alive_write)
        _leave_with(lambda: _first_process(main, alive_read))
    set_namespace(home, CLONE_NEWPID, "children outside again")  # the next fork is not the lab's
    os.close(home)
    os.close(alive_read)
    os.write(alive_write, f"{child}\n".encode())
    os.close(alive_write)
    return _wait_outside(child)


def _refuse(cause: OSError) -> int:
    remedy = "it needs CAP_SYS_ADMIN; run it with sudo, in a container with --privileged"
    if cause.errno == errno.EINVAL and not _root_is_a_mount():
        remedy = "/ is no mount of its own; mount --bind the folder of this chroot onto itself first"
    print(f"lab: cannot make namespaces ({cause.strerror}): {remedy}", file=sys.stderr)
    return EXIT_SKIPPED


def _root_is_a_mount() -> bool:
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        return any(line.split()[4] == "/" for line in mounts)


def _wait_outside(child: int) -> int:
    """In the host: passes the first signal on, kills when the grace is over or at the second."""
    asked: list[float] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        os.kill(child, signal.SIGKILL if asked else number)
        asked.append(time.monotonic())
        signal.setitimer(signal.ITIMER_REAL, GRACE)

    def too_late(_: int, __: FrameType | None) -> None:
        os.kill(child, signal.SIGKILL)

    former = {signal.SIGALRM: signal.signal(signal.SIGALRM, too_late)}
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup stays nohup
            former[number] = signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    _, status = os.waitpid(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in former.items():
        signal.signal(number, handler)
    return _exit_code(status)


def _leave_with(work: Callable[[], int]) -> NoReturn:
    """Ends this process with what `work` returns; never unwinds into the caller's frames."""
    code = 1
    try:
        code = work()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _first_process(main: Callable[[], int], alive: int) -> int:
    """Pid 1 of the lab: makes the namespaces, starts main, reaps, and ends everything with it."""
    die_with_parent()
    host_pid = os.read(alive, 16)
    if not host_pid:
        return 1  # the parent was gone before we were tied to its life
    os.setsid()  # the terminal's Ctrl-C reaches the outer process alone, which passes it on once
    try:
        unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC)
        _private_view()
    except OSError as refused:
        return _refuse(refused)
    worker = os.fork()
    if worker == 0:
        os.environ[HOST_PID] = host_pid.decode().strip()
        os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"  # ip, nft, tgtd
        _leave_with(lambda: _worker(main))

    def pass_on(number: int, _: FrameType | None) -> None:
        os.kill(worker, number)

    _handle_endings(pass_on)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == worker:
            return _exit_code(status)


def _private_view() -> None:
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV)
    if os.path.exists("/proc/sysrq-trigger"):
        mount("/dev/null", "/proc/sysrq-trigger", "", MS_BIND)
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    os.mkdir(LAB_ROOT, 0o755)


def _worker(main: Callable[[], int]) -> int:
    def interrupted(number: int, _: FrameType | None) -> None:
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)  # cleaning up is not interrupted again
        raise SystemExit(128 + number)

    _handle_endings(interrupted)
    return main()


def _handle_endings(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in ENDING:
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
