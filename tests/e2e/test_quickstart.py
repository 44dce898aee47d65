"""The two commands of the README, on this machine."""

import os
import subprocess

import pytest

from scene import free_port
from stack import CHECKOUT, native_is_installed

QUICKSTART = CHECKOUT / "deploy" / "quickstart"


def _environment(more):
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith("TIDEGATE_TEST") and name != "DATABASE_URL"}
    return {**clean, **(more or {})}


def _port_base():
    """Ten ports in a row that are probably free."""
    return (free_port() - 20000) // 10 * 10 % 8000 + 21000


def _quickstart(*arguments, timeout=900, environment=None):
    done = subprocess.run([str(QUICKSTART), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, cwd="/", check=False,
                          env=_environment(environment))
    return done.returncode, done.stdout.decode(errors="replace")


@pytest.fixture
def quickstart():
    """With a port base of its own; nothing of it is left afterwards."""
    if (CHECKOUT / ".quickstart").exists():
        pytest.skip("somebody's quickstart is up in this checkout (deploy/quickstart --clean ends it)")
    base = _port_base()
    yield lambda *arguments, **options: _quickstart("--port-base", base, *arguments, **options)
    _quickstart("--port-base", base, "--clean")


def test_promise_quickstart_headless_feeds_shows_and_ends(quickstart):
    code, output = quickstart("--headless")
    print(output)
    assert code == 0, output
    for word in ("rows", "lag"):
        assert word in output.lower(), output
    again, output = quickstart("--headless")
    assert again == 0, output


def test_promise_quickstart_explains_itself():
    code, output = _quickstart("--help")
    assert code == 0
    for option in ("--down", "--clean", "--port-base", "--headless"):
        assert option in output
    code, output = _quickstart("--no-such-option")
    assert code != 0 and "--no-such-option" in output


@pytest.mark.skipif(not native_is_installed(), reason="the embedded one is the default here already")
def test_promise_quickstart_runs_on_a_server_that_the_user_names(quickstart, components):
    """DATABASE_URL wins over everything else."""
    server = components.server(components.main_kind)
    with server.connect() as connection:
        connection.execute("DROP DATABASE IF EXISTS quickstart WITH (FORCE)")
        connection.execute("CREATE DATABASE quickstart")
    url = server.url.rsplit("/", 1)[0] + "/quickstart"
    code, output = quickstart("--headless", environment={"DATABASE_URL": url})
    assert code == 0, output
    with server.connect("quickstart") as connection:
        lanes = connection.execute("SELECT sum(next_offset) FROM tidegate.sink_offsets").fetchone()[0]
    assert lanes and lanes > 0
    with server.connect() as connection:
        connection.execute("DROP DATABASE quickstart WITH (FORCE)")
