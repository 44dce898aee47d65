#!/usr/bin/env python3
"""Breaks each rule in a small tree of its own, to see that the check finds it and says where."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import checks  # noqa: E402
from tree import Skip, Tree  # noqa: E402

HEADER = "/*\n * Does a thing.\n */\n#ifndef TG_{guard}\n#define TG_{guard}\n\n#endif\n"
CLEAN = {
    "connector/base/CMakeLists.txt": "tg_module(NAME base LAYER 0\n    HEADERS error.h\n    SOURCES error.c)\n",
    "connector/base/error.h": HEADER.format(guard="BASE_ERROR_H"),
    "connector/base/hidden_internal.h": HEADER.format(guard="BASE_HIDDEN_INTERNAL_H"),
    "connector/base/README.md": "# base\n",
    "connector/kafka/CMakeLists.txt": "tg_module(NAME kafka LAYER 2 HEADERS client.h SOURCES client.c\n"
    "    USES base LIBS PkgConfig::rdkafka)\n",
    "connector/kafka/client.h": HEADER.format(guard="KAFKA_CLIENT_H"),
    "connector/kafka/client.c": '#include <stdio.h>\n\n#include <librdkafka/rdkafka.h>\n\n#include "base/error.h"\n'
    '#include "kafka/client.h"\n',
    "connector/kafka/README.md": "# kafka\n",
    "sink/CMakeLists.txt": "tg_module(NAME sink LAYER 3 HEADERS sink.h SOURCES sink.c USES base HIDES kafka)\n",
    "sink/sink.h": HEADER.format(guard="SINK_SINK_H"),
    "sink/sink.c": '#include "kafka/client.h"\n',
    "sink/README.md": "# sink\n",
}
FUNCTION = "int\nlong_one(void)\n{{\n{body}}}\n"


class LintTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-lint-"))
        self.addCleanup(shutil.rmtree, self.root)

    def found(self, check, changes):
        """What the check finds in a clean tree with these files changed (None: removed)."""
        for path, text in {**CLEAN, **changes}.items():
            if text is not None:
                (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                (self.root / path).write_bytes(text.encode() if isinstance(text, str) else text)
        tree = Tree(self.root, self.root / "build")
        hits = list(checks.CHECKS[check](tree))
        return [f"{where}: {text}" for where, text in hits if not tree.is_excepted(check, where, text)]

    def assert_found(self, check, changes, where, words):
        hits = self.found(check, changes)
        self.assertEqual(len(hits), 1, hits)
        self.assertTrue(hits[0].startswith(where) and words in hits[0], hits)

    def test_clean_tree_has_no_findings(self):
        for check in checks.CHECKS:
            if check not in ("symbols", "globals", "format"):
                self.assertEqual(self.found(check, {}), [], check)

    def test_includes(self):
        cases = [
            ("kafka/client.c", '#include "sink/sink.h"\n', "does not declare that it leans on sink"),
            ("kafka/client.c", '/* x\n */\n#include "../base/error.h"\n', "goes around the front doors"),
            ("kafka/client.c", '#include "base/hidden_internal.h"\n', "is not a public header of base"),
            ("kafka/client.c", '#include "hidden_internal.h"\n', "is not in this room"),
            ("kafka/client.c", '#include "ghost/x.h"\n', "is in no room"),
        ]
        for path, text, words in cases:
            with self.subTest(words):
                self.assert_found("includes", {f"connector/{path}": text}, f"connector/{path}:", words)
        self.assert_found("includes", {"sink/sink.h": '#include "kafka/client.h"\n'}, "sink/sink.h:1", "(USES)")
        self.assertEqual(self.found("includes", {"sink/sink.h": '// #include "kafka/client.h"\n'}), [])

    def test_libraries(self):
        cases = [
            ("sink/sink.c", "#include <libpq-fe.h>\n", "only room database speaks libpq"),
            ("sink/sink.c", "#include <jansson.h>\n", "does not declare PkgConfig::jansson"),
            ("sink/sink.c", "#include <glib.h>\n", "belongs to no library"),
            ("sink/CMakeLists.txt", "tg_module(NAME sink LAYER 3 LIBS PkgConfig::libcurl)\n", "only room registry"),
        ]
        for path, text, words in cases:
            with self.subTest(words):
                self.assert_found("libraries", {"sink/sink.c": "", "sink/CMakeLists.txt": "", path: text}
                                  if path.endswith("CMakeLists.txt") else {path: text}, path, words)

    def test_banned(self):
        text = '/* strcpy(a, b) */\nconst char *s = "sprintf(x)";\nx.exit(1);\nmy_exit(1);\nstrcpy (a, b);\n'
        self.assert_found("banned", {"sink/sink.c": text}, "sink/sink.c:5", "strcpy() is banned")
        self.assert_found("banned", {"tests/unit/x/test_x.c": "exit(1);\nusleep(5);\n"}, "tests/unit/x/test_x.c:2", "usleep")

    def test_size(self):
        long_body = FUNCTION.format(body="    x();\n" * 61)
        self.assert_found("size", {"sink/sink.c": "\n" + long_body}, "sink/sink.c:2", "long_one has 61 lines")
        self.assertEqual(self.found("size", {"sink/sink.c": FUNCTION.format(body="    x();\n" * 60)}), [])
        self.assert_found("size", {"sink/sink.c": "\n" * 601}, "sink/sink.c", "601 lines")
        self.assert_found("size", {"sink/sink.c": "", "sink/sink.h": "\n" * 201}, "sink/sink.h", "201 lines")

    def test_headers(self):
        self.assert_found("headers", {"sink/sink.h": "\n" + HEADER.format(guard="SINK_SINK_H")}, "sink/sink.h:1", "open")
        self.assert_found("headers", {"sink/sink.h": HEADER.format(guard="SINK_OTHER_H")}, "sink/sink.h", "guard")
        self.assertEqual(self.found("headers", {"sink/sink_x.h": HEADER.format(guard="SINK_X_H")}), [])

    def test_format(self):
        shutil.copy(pathlib.Path(__file__).resolve().parents[2] / ".clang-format", self.root)
        try:
            self.assert_found("format", {"connector/kafka/client.c": "", "sink/sink.c": "int   x;\n"}, "sink/sink.c:1", "is not formatted")
        except Skip as reason:
            self.skipTest(str(reason))

    def compiled(self, text):
        folder = self.root / "build"
        folder.mkdir(exist_ok=True)
        source = folder / "x.c"
        source.write_text(text)
        subprocess.run(["cc", "-fPIC", "-c", "-o", str(folder / "x.o"), str(source)], check=True)
        library = folder / "libtg_x.a"
        library.unlink(missing_ok=True)
        subprocess.run(["ar", "rc", str(library), str(folder / "x.o")], check=True)

    def test_symbols(self):
        self.compiled("int tg_fine(void) { return 0; }\nstatic int mine(void) { return 1; }\nint (*tg_p)(void) = mine;\n")
        self.assertEqual(self.found("symbols", {}), [])
        self.compiled("int stray(void) { return 0; }\n")
        self.assert_found("symbols", {}, "libtg_x.a", "exports stray")

    def test_globals(self):
        constant = "static const char *const names[] = {\"a\"};\nconst char *tg_f(void) { return names[0]; }\n"
        for text, name in [
            ("static int n; int tg_g(void) { return n++; }\n", "n"),
            ("int tg_n = 5;\n", "tg_n"),
            ("int tg_g(void) { static int k = 7; return k++; }\n", "k"),
        ]:
            with self.subTest(name):
                self.compiled(constant + text)
                self.assert_found("globals", {}, "libtg_x.a", f" {name} is a writable global")
        self.compiled(constant + "int tg_g(void) { static int log_site_; return log_site_++; }\n")
        self.assertEqual(self.found("globals", {}), [])

    def test_texts(self):
        mark = "TO" + "DO"
        path = "/ro" + "ot/x"
        host = "https://" + "packages.somewhere.com/simple"
        for text, words in [(mark, mark), (f"cd {path}", "path of one machine"), (host, "packages.somewhere.com")]:
            with self.subTest(words):
                self.assert_found("texts", {"deploy/x.sh": f"\n# {text}\n"}, "deploy/x.sh:2", words)
        fine = "http://127.0.0.1:8081 https://user@registry.example:1 http://[::1]:80/ http://kafka:9092 ${base}/root/x"
        self.assertEqual(self.found("texts", {"deploy/x.sh": fine + " src/work/x mastodon\n"}), [])

    def test_tree(self):
        self.assert_found("tree", {"notes.txt": "x\n"}, "notes.txt", "does not belong")
        shutil.rmtree(self.root)
        self.assert_found("tree", {"sink/README.md": None}, "sink", "has no README.md")
        self.assert_found("tree", {"sink/README.md": "\n" * 81}, "sink/README.md", "longer than a page")
        code_map = "| `connector/base` |\n| `connector/kafka` |\n"
        self.assert_found("tree", {"connector/README.md": code_map}, "connector/README.md", "has no line for sink")
        (self.root / "connector/README.md").unlink()
        self.assert_found("tree", {"sink/x.bin": b"a\0b"}, "sink/x.bin", "is binary")

    def test_tests(self):
        text = "static void\nx_runs_never(void **state)\n{\n}\n\nstatic void\nx_runs(void **state)\n{\n}\nrun(x_runs);\n"
        self.assert_found("tests", {"tests/unit/x/test_x.c": text}, "tests/unit/x/test_x.c", "x_runs_never is never run")

    def test_scripts(self):
        self.assert_found("scripts", {"deploy/x": "#!/usr/bin/env bash\nif true; then\n"}, "deploy/x", "syntax error")
        shutil.rmtree(self.root)
        self.assert_found("scripts", {"deploy/x.py": "def f(:\n"}, "deploy/x.py:1", "")

    def test_exceptions(self):
        rule = "banned | sink/*.c | strcpy | the target is as long as the source\n"
        changes = {"sink/sink.c": "strcpy(a, b);\n", "tests/lint/exceptions": f"# why\n{rule}"}
        self.assertEqual(self.found("banned", changes), [])
        changes["tests/lint/exceptions"] = "banned | sink/*.c | strcpy\n"
        with self.assertRaises(SystemExit):
            self.found("banned", changes)
        for (text, n_unused) in [("strcpy(a, b);\n", 0), ("\n", 1)]:
            (self.root / "sink/sink.c").write_text(text)
            (self.root / "tests/lint/exceptions").write_text(rule)
            tree = Tree(self.root, self.root / "build")
            for where, words in checks.CHECKS["banned"](tree):
                tree.is_excepted("banned", where, words)
            self.assertEqual(len(tree.unused_exceptions(["banned"])), n_unused)


if __name__ == "__main__":
    unittest.main()
