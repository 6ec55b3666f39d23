"""What README.md, CONTRIBUTING.md and docs/ name in back-ticks exists: files, command line flags, configuration keys, functions.

ITERALIGN names the program, whose help has the flags."""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ["ITERALIGN"]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = "src|tools|tests|docs|prompts|configs|include|cmake|bench"


def tracked():
    return subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def help_of(*verb):
    """Of the verb and, behind it, of each of its own."""
    text = subprocess.run([PROGRAM, *verb, "--help"], capture_output=True, text=True, check=True).stdout
    verbs = re.findall(r"^  ([a-z][\w-]*) ", text.partition("Subcommands:")[2].partition("\n\n")[0], re.MULTILINE)
    return "\n".join([text, *(help_of(*verb, inner) for inner in verbs)])


def flags():
    """Those of every verb, and all that is in a script here."""
    scripts = [ROOT / "run", ROOT / "test", *(ROOT / "tools").iterdir(), *(ROOT / "bench").glob("*.py")]
    return set(re.findall(r"--[a-z][\w-]*", "\n".join([help_of(), *(path.read_text() for path in scripts if path.is_file())])))


def spans(page):
    """(line, text between back-ticks), and the commands of fenced blocks."""
    fenced = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            yield number, line.split(" #")[0]
        else:
            yield from ((number, span) for span in re.findall(r"`([^`]+)`", line))


class Project:
    def __init__(self):
        self.files = tracked()
        self.names = {pathlib.PurePath(file).name for file in self.files}
        self.flags = flags()
        self.keys = set(re.findall(r"^\| `([\w.]+)`", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE))
        self.sections = {key.split(".")[0] for key in self.keys if "." in key}
        self.code = "\n".join((ROOT / file).read_text(errors="replace") for file in self.files if file.endswith((".cc", ".h", ".py", ".mjs")))

    def has_file(self, path):
        pattern = re.compile(re.sub(r"<\w+>|\\\*", "[^/]*", re.escape(path.rstrip("/"))) + "(/.*)?")
        return any(pattern.fullmatch(file) for file in self.files)

    def faults(self, span):
        for path in re.findall(rf"(?<![\w/.-])((?:{FOLDERS})/[\w./*<>-]*)", span):
            if not self.has_file(path.rstrip(".")):
                yield f"there is no {path}"
        for name in re.findall(r"(?<![\w/*.-])(\w+\.(?:cc|h|py|mjs|sh))(?![\w.])", span):
            if name not in self.names:
                yield f"no file is named {name}"
        for flag in re.findall(r"(?<![\w-])--[a-z][\w-]*", span):
            if flag not in self.flags:
                yield f"nothing takes {flag}"
        for key in re.findall(r"(?<![\w/.])([a-z_]+\.[a-z_]+)(?![\w./(])", span):
            if key.split(".")[0] in self.sections and key not in self.keys and key not in self.names:
                yield f"there is no configuration key {key}"
        for function in re.findall(r"(?<![\w.:])([a-z_]\w+)\(\)", span):
            if function + "(" not in self.code:
                yield f"there is no function {function}"


def main():
    project = Project()
    assert len(project.flags) > 60 and len(project.keys) > 60, (len(project.flags), len(project.keys))
    seen = [(page, line, span) for page in PAGES for line, span in spans(page)]
    faults = [f"{page.relative_to(ROOT)}:{line}: {fault}" for page, line, span in seen for fault in project.faults(span)]
    print("\n".join(faults))
    print(f"{len(seen)} spans of {len(PAGES)} pages, {len(faults)} faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
