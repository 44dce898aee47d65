"""What the checks look at: the files of the checkout, C without comments and strings, and the rooms."""
import fnmatch
import os
import pathlib
import re
import subprocess

PRODUCT = ("connector/", "sink/", "source/")


class Skip(Exception):
    """The check cannot be made on this machine."""


class Room:
    """A folder that is a library: what its CMakeLists.txt declares."""

    def __init__(self, folder: str, cmake: str):
        self.folder = folder
        self.name = folder.rsplit("/", 1)[-1]
        cmake = re.sub(r"#.*", "", cmake)
        module = re.search(r"tg_module\(([^)]*)\)", cmake)
        words = module.group(1).split() if module else []
        lists: dict[str, list[str]] = {}
        key = ""
        for word in words:
            if word in ("NAME", "LAYER", "HEADERS", "SOURCES", "USES", "HIDES", "LIBS"):
                key = word
                lists[key] = []
            elif key:
                lists[key].append(word)
        self.is_library = module is not None
        self.headers = set(lists.get("HEADERS", []))
        self.uses = set(lists.get("USES", []))
        self.hides = set(lists.get("HIDES", []))
        self.libraries = set(re.findall(r"PkgConfig::(\w+)", cmake))
        if not module:  # the program, at the top of the layers
            linked = " ".join(re.findall(r"target_link_libraries\(([^)]*)\)", cmake))
            self.hides = {word[3:] for word in linked.split() if word.startswith("tg_")} - {"toolchain"}


class Tree:
    def __init__(self, root: pathlib.Path, build: pathlib.Path | None):
        self.root = root
        self.build = build
        self.files = self._list_files()
        self.rooms = {}
        for path in self.files:
            if path.startswith(PRODUCT) and path.endswith("/CMakeLists.txt"):
                room = Room(path.rsplit("/", 1)[0], self.text(path))
                self.rooms[room.name] = room
        self._exceptions = self._read_exceptions()
        self._used: set[str] = set()

    def _list_files(self) -> list[str]:
        """Tracked and new files; without git (a release), all that are there."""
        command = ["git", "-C", str(self.root), "ls-files", "-z", "-co", "--exclude-standard"]
        try:
            listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
            names = [name for name in listed.split("\0") if name]
        except (OSError, subprocess.CalledProcessError):
            names = [
                os.path.relpath(os.path.join(folder, name), self.root)
                for folder, _, files in os.walk(self.root)
                for name in files
            ]
        return sorted(name for name in set(names) if (self.root / name).is_file())

    def text(self, path: str) -> str:
        return (self.root / path).read_bytes().decode("utf-8", "replace")

    def sources(self, *endings: str) -> list[str]:
        return [path for path in self.files if path.startswith(PRODUCT) and path.endswith(endings)]

    def room_of(self, path: str) -> Room | None:
        folder = path.rsplit("/", 1)[0]
        return next((room for room in self.rooms.values() if room.folder == folder), None)

    def _read_exceptions(self) -> list[tuple[str, str, str, str]]:
        """Lines "check | path pattern | text pattern | reason"."""
        path = self.root / "tests/lint/exceptions"
        if not path.is_file():
            return []
        lines = [line.strip() for line in path.read_text().splitlines()]
        fields = [line.split(" | ") for line in lines if line and not line.startswith("#")]
        for field in fields:
            if len(field) != 4 or not field[3].strip():
                raise SystemExit(f"tests/lint/exceptions: check | path | text | reason, not: {' | '.join(field)}")
        return [(field[0].strip(), field[1].strip(), field[2].strip(), field[3]) for field in fields]

    def is_excepted(self, check: str, where: str, text: str) -> bool:
        for rule in self._exceptions:
            if (
                rule[0] == check
                and fnmatch.fnmatchcase(where.split(":")[0], rule[1])
                and fnmatch.fnmatchcase(text, f"*{rule[2]}*")
            ):
                self._used.add(" | ".join(rule[:3]))
                return True
        return False

    def unused_exceptions(self, made) -> list[str]:
        """Rules of the checks made that excused nothing. What a library holds depends on how it was built."""
        mine = [rule[:3] for rule in self._exceptions if rule[0] in made and rule[0] not in ("symbols", "globals")]
        return [" | ".join(rule) for rule in mine if " | ".join(rule) not in self._used]


def code_only(text: str) -> str:
    """C with comments and the insides of literals blanked, so that lines keep their numbers."""

    def blank(match: re.Match) -> str:
        found = match.group(0)
        inside = re.sub(r"[^\n]", " ", found)
        return found[0] + inside[1:-1] + found[-1] if found[0] in "\"'" else inside

    pattern = r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    return re.sub(pattern, blank, text, flags=re.DOTALL)


def functions(text: str):
    """(name, first line, number of lines) of each definition: with our format, a body is what stands between a
    brace in the first column and the next closing one there."""
    lines = code_only(text).split("\n")
    for number, line in enumerate(lines):
        if line != "{":
            continue
        end = next((n for n in range(number, len(lines)) if lines[n].startswith("}")), len(lines))
        first = number
        while first > 0 and lines[first - 1].strip() and not lines[first - 1].startswith(("}", "#")):
            first -= 1
        names = re.findall(r"(\w+)\s*\(", " ".join(lines[first:number]))
        yield (names[0] if names else "?"), first + 1, end - number - 1
