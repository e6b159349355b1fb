"""Rules that another program judges. Each is (program, rule): a program that is not installed is an
error in CI and a spoken omission elsewhere, never a silent pass."""
import re
import shutil
import subprocess

CLANG_FORMAT_MAJOR = 14  # other versions format differently


def run(root, command):
    done = subprocess.run(command, cwd=root, text=True, errors="replace", check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def clang_format_program():
    for name in (f"clang-format-{CLANG_FORMAT_MAJOR}", "clang-format"):
        path = shutil.which(name)
        if path:
            version = re.search(r"version (\d+)", run("/", [path, "--version"])[1])
            if version and int(version.group(1)) == CLANG_FORMAT_MAJOR:
                return path
    return None


def clang_format(program, files):
    sources = [file for file in files if file.is_cpp]
    if not sources:
        return
    code, output = run(sources[0].root, [program, "--dry-run", "--Werror", "--style=file"] +
                       [file.path for file in sources])
    seen = set()
    for path, line in re.findall(r"^(\S+?):(\d+):\d+: error: ", output, re.M):
        if path not in seen:
            seen.add(path)
            yield path, int(line), f"not formatted: clang-format -i {path}"
    if code != 0 and not seen:
        yield "", 0, "clang-format failed: " + output.strip()


def man_pages(program, files):
    for file in files:
        if re.search(r"\.[1-8]$", file.path):
            _, output = run(file.root, [program, "-Tlint", "-Wwarning", file.path])
            for line, text in re.findall(r"^mandoc: \S+?:(\d+):\d+: (.*)$", output, re.M):
                yield file.path, int(line), text


def shell_syntax(program, files):
    for file in files:
        if file.is_shell:
            code, output = run(file.root, [program, "-n", file.path])
            if code != 0:
                yield file.path, 0, output.strip()


ALL = [("clang-format 14", clang_format_program, clang_format),
       ("mandoc", lambda: shutil.which("mandoc"), man_pages),
       ("bash", lambda: shutil.which("bash"), shell_syntax)]
