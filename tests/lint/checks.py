"""The rules. Each check yields (where, text); where is "path" or "path:line"."""
import ast
import collections
import re
import shutil
import subprocess

from tree import PRODUCT, Skip, code_only, functions

# Who speaks which foreign library: headers, the library's name in CMake, the room (None: several may).
FOREIGN = (
    (r"librdkafka/", "rdkafka", "kafka"),
    (r"libpq-fe\.h|pg_config|postgres_ext\.h|libpq/", "libpq", "database"),
    (r"avro\.h|avro/", "avro_c", "avro"),
    (r"hiredis/", "hiredis", "database"),
    (r"libconfig\.h", "libconfig", "config"),
    (r"curl/", "libcurl", "registry"),
    (r"microhttpd\.h", "libmicrohttpd", "monitoring"),
    (r"openssl/", "openssl", "security"),
    (r"zstd", "libzstd", "admin"),
    (r"jansson\.h", "jansson", None),
)
SYSTEM = re.compile(
    r"(assert|ctype|dirent|dlfcn|errno|fcntl|features|fenv|float|fnmatch|fts|ftw|getopt|glob|grp|ifaddrs|inttypes"
    r"|iso646|langinfo|libgen|limits|locale|math|netdb|poll|pthread|pwd|regex|sched|semaphore|setjmp|signal"
    r"|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|syslog|termios|time"
    r"|uchar|unistd|wchar|wctype|argp|argz|endian|byteswap|malloc|execinfo|(sys|arpa|netinet|net|linux|sanitizer)"
    r"/[\w.]+)(\.h)?"
)
BANNED = (
    "strcpy strcat sprintf vsprintf strncpy strncat stpcpy strtok atoi atol atoll atof gets scanf alloca gmtime "
    "localtime ctime asctime sleep usleep nanosleep clock_nanosleep exit _exit quick_exit abort system popen rand "
    "srand random tmpnam mktemp signal setenv putenv PQsetdbLogin"
).split()
BANNED_IN_TESTS = "gets sleep usleep strcpy strcat sprintf".split()
BANNED_IN_UNIT_TESTS = ["nanosleep", "clock_nanosleep", *BANNED_IN_TESTS]  # elsewhere, between two looks at a condition

MAX_FUNCTION_LINES = 60
MAX_LINES = {".c": 600, ".h": 200}
MAX_TEST_LINES = 1000
MAX_README_LINES = 80

TOP_LEVEL = {
    "connector", "sink", "source", "schemas", "migrations", "deploy", "tests", "CMakeLists.txt", "README.md",
    "CMakePresets.json", "LICENSE",
}  # fmt: skip
DOT_FILES = re.compile(r"\.(ci|gitignore|gitattributes|editorconfig|clang-format|clang-tidy|dockerignore|github)$")

# Hosts that a text may name. Where packages come from is each machine's own configuration.
HOSTS = re.compile(
    r"(127\.\d+\.\d+\.\d+|0\.0\.0\.0|192\.0\.2\.\d+|198\.51\.100\.\d+|203\.0\.113\.\d+|10\.0\.0\.\d+|\[[0-9a-f:]*\]|[\w-]+"
    r"|([\w-]+\.)*(example|invalid|test|localhost|internal|local|svc)(\.[\w.]+)?|example\.(com|org|net)"
    r"|(www\.)?(github\.com|apache\.org|w3\.org|json-schema\.org|debian\.org|kernel\.org|postgresql\.org|python\.org)"
    r"|maven\.apache\.org|kafka\.apache\.org|docs\.[\w.-]+|tools\.ietf\.org|www\.rfc-editor\.org|prometheus\.io)"
)

MACHINE_PATH = re.compile(r"(?<![\w.$}{/:-])/(work|root|home)(?=/\w)")
MARK = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")

# A symbol of data in objdump's table.
SYMBOL = re.compile(r"^\S+ .{7} (\.(?:data|bss)\S*)\t\S+ +(?:\.hidden )?(\S+)$", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def includes(tree, path):
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), tree.text(path), flags=re.DOTALL)
    for match in INCLUDE.finditer(text):
        yield f"{path}:{line_of(text, match.start(2))}", match.group(1), match.group(2)


def check_includes(tree):
    """A room includes only the public headers of rooms that it declares; its own headers only those it USES."""
    for path in tree.sources(".c", ".h"):
        room = tree.room_of(path)
        if room is None:
            continue
        is_public = path.rsplit("/", 1)[-1] in room.headers
        allowed = {room.name} | room.uses | (set() if is_public else room.hides)
        for where, kind, header in includes(tree, path):
            if kind == "<":
                continue
            owner, _, name = header.rpartition("/")
            if ".." in header:
                yield where, f'"{header}" goes around the front doors'
            elif owner == "":
                if f"{room.folder}/{name}" not in tree.files:
                    yield where, f'"{header}" is not in this room'
            elif owner not in tree.rooms:
                yield where, f'"{header}" is in no room'
            elif owner not in allowed:
                yield where, f"room {room.name} does not declare that it leans on {owner}" + (
                    " in its headers (USES)" if is_public else ""
                )
            elif name not in tree.rooms[owner].headers:
                yield where, f'"{header}" is not a public header of {owner}'


def check_libraries(tree):
    """Each foreign library is spoken in one room, and declared there."""
    for path in tree.sources(".c", ".h"):
        room = tree.room_of(path)
        if room is None:
            continue
        for where, kind, header in includes(tree, path):
            if kind != "<" or SYSTEM.fullmatch(header):
                continue
            known = next((entry for entry in FOREIGN if re.match(entry[0], header)), None)
            if known is None:
                yield where, f"<{header}> belongs to no library that we use (tests/lint/checks.py has the list)"
            elif known[2] not in (None, room.name):
                yield where, f"<{header}>: only room {known[2]} speaks {known[1]}"
            elif known[1] not in room.libraries:
                yield where, f"<{header}>: room {room.name} does not declare PkgConfig::{known[1]}"
    for room in tree.rooms.values():
        for _, library, owner in FOREIGN:
            if library in room.libraries and owner not in (None, room.name):
                yield f"{room.folder}/CMakeLists.txt", f"only room {owner} speaks {library}"


def check_banned(tree):
    """Functions that are unsafe, not thread-safe, or stop the program."""
    for path in [path for path in tree.files if path.endswith((".c", ".h"))]:
        names = BANNED if path.startswith(PRODUCT) else BANNED_IN_TESTS
        if path.startswith("tests/unit/"):
            names = BANNED_IN_UNIT_TESTS
        text = code_only(tree.text(path))
        for match in re.finditer(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(", text):
            yield f"{path}:{line_of(text, match.start())}", f"{match.group(1)}() is banned"


def check_size(tree):
    """Functions and files that have outgrown a page: find the noun that hides in them."""
    for path in [path for path in tree.files if path.endswith((".c", ".h"))]:
        text = tree.text(path)
        n_lines = text.count("\n")
        is_product = path.startswith(PRODUCT)
        limit = MAX_LINES[path[-2:]] if is_product else MAX_TEST_LINES
        if n_lines > limit:
            yield path, f"{n_lines} lines, more than {limit}"
        for name, line, length in functions(text) if is_product else ():
            if length > MAX_FUNCTION_LINES:
                yield f"{path}:{line}", f"{name} has {length} lines, more than {MAX_FUNCTION_LINES}"


def check_headers(tree):
    """A header opens with what it is for, and its guard carries its place."""
    for path in tree.sources(".h"):
        text = tree.text(path)
        room = path.split("/")[-2]
        name = path.rsplit("/", 1)[-1].removeprefix(f"{room}_")
        guard = f"TG_{room}_{name.replace('.', '_')}".upper()
        if not text.startswith("/*\n * "):
            yield f"{path}:1", "does not open with a block that says what it is for"
        longer = guard.replace(f"TG_{room.upper()}_", f"TG_{room.upper()}_{room.upper()}_", 1)
        if not re.search(rf"^#ifndef ({guard}|{longer})\n#define \1\n", text, re.MULTILINE):
            yield path, f"its guard is not {guard}"


def check_format(tree):
    """All C is as clang-format 14 would write it."""
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if tool is None:
        raise Skip("clang-format is missing (Debian: clang-format)")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
    if not re.search(r"version 14\.", version):
        raise Skip(f"needs clang-format 14, this is {version.strip()}")
    paths = [path for path in tree.files if path.endswith((".c", ".h"))]
    command = [tool, "--dry-run", "--ferror-limit=1", *paths]
    found = subprocess.run(command, capture_output=True, text=True, cwd=tree.root, check=False).stderr
    seen = set()
    for match in re.finditer(r"^(.*?):(\d+):\d+: (?:warning|error): code should be", found, re.MULTILINE):
        if match.group(1) not in seen:
            seen.add(match.group(1))
            yield f"{match.group(1)}:{match.group(2)}", "is not formatted (clang-format -i)"


def libraries(tree):
    if tree.build is None:
        raise Skip("needs --build")
    found = sorted(path for path in tree.build.glob("**/libtg_*.a") if "tests" not in path.relative_to(tree.build).parts)
    if not found:
        raise Skip(f"no libtg_*.a in {tree.build}")
    return found


def check_symbols(tree):
    """What our libraries export starts with tg_, or TG_ when it is constant."""
    for library in libraries(tree):
        command = ["nm", "--defined-only", "--extern-only", "--format=posix", str(library)]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            name = line.split(" ")[0]
            # What sanitizers and gcov add begins with two underscores.
            if " " in line and not re.match(r"tg_|TG_[A-Z0-9_]+$|__", name) and not name.endswith(":"):
                yield library.name, f"exports {name}, which does not start with tg_"


def check_globals(tree):
    """No globals that threads could write; the rate limit of a log line has its place beside the line."""
    for library in libraries(tree):
        command = ["objdump", "--syms", str(library)]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for section, name in SYMBOL.findall(listed):
            if section.startswith(".data.rel.ro") or name.startswith((".", "_")):
                continue
            if not re.match(r"(\w+\.)?log_site_(\.\d+)?$", name):
                yield library.name, f"{re.sub(r'[.][0-9]+$', '', name)} is a writable global"


def check_texts(tree):
    """No marks of unfinished work, no paths of one machine, no hosts that packages come from."""
    for path in tree.files:
        data = (tree.root / path).read_bytes()
        if b"\0" in data or path == "LICENSE":
            continue
        text = data.decode("utf-8", "replace")
        for match in MARK.finditer(text):
            yield f"{path}:{line_of(text, match.start())}", f"{match.group(1)}: finish it or write an issue"
        for match in MACHINE_PATH.finditer(text):
            yield f"{path}:{line_of(text, match.start())}", f"{match.group(0)} is a path of one machine"
        for match in re.finditer(r"\bhttps?://(?:[^\s/@]*@)?((?:\[[^\]]*\]|\w[\w.-]*))", text):
            if not HOSTS.fullmatch(match.group(1)):
                yield f"{path}:{line_of(text, match.start())}", f"names the host {match.group(1)}"


def check_tree(tree):
    """The top level is that of the blueprint, each room has a page, nothing binary is kept."""
    for path in tree.files:
        top = path.split("/")[0]
        if top not in TOP_LEVEL and not DOT_FILES.match(top):
            yield path, "does not belong to the top level"
        if b"\0" in (tree.root / path).read_bytes() and not path.startswith(("tests/fuzz/corpus/", "tests/data/")):
            yield path, "is binary"
    code_map = "connector/README.md"
    for room in tree.rooms.values():
        if code_map in tree.files and f"| `{room.folder}` |" not in tree.text(code_map):
            yield code_map, f"has no line for {room.folder}"
        readme = f"{room.folder}/README.md"
        if readme not in tree.files:
            yield room.folder, "has no README.md"
        elif tree.text(readme).count("\n") > MAX_README_LINES:
            yield readme, f"is longer than a page ({MAX_README_LINES} lines)"


def check_tests(tree):
    """Every test that is written is also run."""
    for path in tree.files:
        match = re.match(r"tests/(?:unit|component)/\w+/test_\w+\.c$", path)
        if not match:
            continue
        text = code_only(tree.text(path))
        defined = re.findall(r"^(\w+)\(void \*\*state\)$", text, re.MULTILINE)
        counts = collections.Counter(re.findall(r"\b(\w+)\b", text))
        for name in defined:
            if counts[name] < 2:
                yield path, f"{name} is never run"


def check_scripts(tree):
    """Shell and Python can be parsed."""
    for path in tree.files:
        text = tree.text(path) if not path.endswith((".c", ".h")) else ""
        first = text.split("\n", 1)[0]
        if path.endswith(".py") or re.match(r"#!.*python", first):
            try:
                ast.parse(text)
            except SyntaxError as error:
                yield f"{path}:{error.lineno}", f"{error.msg}"
        elif path.endswith(".sh") or re.match(r"#!.*\b(ba)?sh\b", first):
            done = subprocess.run(["bash", "-n", str(tree.root / path)], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                yield path, done.stderr.strip().split("\n")[0]


CHECKS = {
    name.removeprefix("check_"): function for name, function in list(globals().items()) if name.startswith("check_")
}
