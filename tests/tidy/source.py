"""The files of the tree, and C++ text reduced to what the rules look at."""
import os
import re

NOT_OURS = {"build", ".git", ".cache", "__pycache__"}


class File:
    """One text file: its path from the top of the tree, its text, its lines."""

    def __init__(self, root, path):
        self.root = root
        self.path = path
        with open(os.path.join(root, path), "rb") as stream:
            raw = stream.read()
        try:
            self.text = raw.decode("utf-8")
            self.is_text = "\0" not in self.text
        except UnicodeDecodeError:
            self.text, self.is_text = "", False
        self.lines = self.text.split("\n")

    @property
    def name(self):
        return os.path.basename(self.path)

    @property
    def is_cpp(self):
        return self.path.endswith((".h", ".cc"))

    @property
    def is_python(self):
        return self.path.endswith(".py") or bool(re.match(r"#!.*\bpython", self.lines[0]))

    @property
    def is_shell(self):
        return self.path.endswith(".sh") or bool(re.match(r"#!.*\b(ba|da)?sh\b", self.lines[0]))

    @property
    def is_makefile(self):
        return bool(re.match(r"#!.*\bmake\b", self.lines[0]))

    @property
    def is_cmake(self):
        return self.name == "CMakeLists.txt" or self.path.endswith(".cmake")


def read_tree(root):
    """All text files of the tree, sorted by path; what a build or git made is left out."""
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - NOT_OURS)
        for name in sorted(set(names) - NOT_OURS):  # in a worktree .git is a file
            path = os.path.relpath(os.path.join(folder, name), root)
            if not os.path.islink(os.path.join(root, path)):
                files.append(File(root, path))
    return [file for file in files if file.is_text]


CPP_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/'
    r'|R"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.S)


def blank(text, keep_strings=False):
    """C++ with comments (and strings, unless kept) replaced by blanks; line numbers stay true."""
    def clear(match):
        token = match.group(0)
        if keep_strings and not token.startswith("/"):
            return token
        return re.sub(r"[^\n]", " ", token)
    return CPP_TOKEN.sub(clear, text)


TRANSPARENT = re.compile(r"\b(namespace|class|struct|union|extern)\b")


def cpp_functions(text):
    """(first line, number of lines) of each function, 1-based; a lambda belongs to its function."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  blank(text), flags=re.M)
    found, head_start, stack = [], 0, []  # stack of (kind, start of the head)
    for at, char in enumerate(code):
        if char == "{":
            head = re.sub(r"alignas\([^)]*\)", "", code[head_start:at])
            kind = "inner"
            if not any(outer in ("function", "inner") for outer, _ in stack):
                if "(" in head:
                    kind = "function"
                elif TRANSPARENT.search(head):
                    kind = "open"
            blanks = len(head) - len(head.lstrip())
            stack.append((kind, head_start + blanks))
            head_start = at + 1
        elif char == "}" and stack:
            kind, start = stack.pop()
            if kind == "function":
                first = code.count("\n", 0, start) + 1
                found.append((first, code.count("\n", start, at) + 1))
            head_start = at + 1
        elif char == ";":
            head_start = at + 1
    return found
