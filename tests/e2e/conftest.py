"""Fixtures of the end-to-end tests: real components for the session, a scene for each test."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kafka_io import Kafka  # noqa: E402
from scene import Scene  # noqa: E402
from stack import CHECKOUT, Components, native_is_installed  # noqa: E402
from tidegate import run_command  # noqa: E402

LOGS = Path(os.environ.get("TIDEGATE_TEST_LOGS", CHECKOUT / "build" / "test-logs"))


def pytest_addoption(parser):
    group = parser.getgroup("tidegate")
    group.addoption("--program", default=os.environ.get("TIDEGATE_PROGRAM"), help="the program under test")
    group.addoption("--records", type=int, default=60000, help="records of the exactly-once test (60000)")
    group.addoption("--seeds", type=int, default=1, help="how many seeds the chaos tests run (1)")
    group.addoption("--seed", type=int, default=1, help="the first of them (1)")
    group.addoption("--stops", type=int, default=3, help="immediate stops of the server under load (3)")
    group.addoption("--state", default=str(CHECKOUT / "tests" / ".state"), help="where the components live")
    group.addoption("--keep-components", action="store_true", help="leave broker, registry and servers running; "
                    "the next run uses them again")


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("--seed")
        metafunc.parametrize("seed", range(first, first + metafunc.config.getoption("--seeds")))


@pytest.fixture(scope="session")
def program(request):
    given = request.config.getoption("--program")
    path = Path(given) if given else CHECKOUT / "build" / "dev" / "tidegate"
    if not path.exists():
        found = sorted((CHECKOUT / "build" / "dev").rglob("tidegate"), key=lambda p: len(str(p)))
        path = next((p for p in found if p.is_file() and os.access(p, os.X_OK)), path)
    assert path.exists(), f"{path} is not there; tests/run builds it, --program names another"
    return path.resolve()


@pytest.fixture(scope="session")
def components(request):
    parts = Components(request.config.getoption("--state"), request.config.getoption("--keep-components"))
    request.config.components = parts
    yield parts
    parts.close()


@pytest.fixture(scope="session")
def kafka(components):
    environment = components.main.environment
    return Kafka(environment["KAFKA_BOOTSTRAP"], environment["REGISTRY_URL"])


@pytest.fixture
def server(components):
    """The server that can be ended as a crash would: native where it is installed, else plain."""
    return components.server(components.main_kind)


def _scene(request, components, kafka, program, server):
    name = request.node.originalname.removeprefix("test_").removeprefix("promise_").lower()
    directory = LOGS / request.node.name.replace("/", "_")
    shutil.rmtree(directory, ignore_errors=True)
    return Scene(name, directory, program, kafka, server)


@pytest.fixture
def scene(request, components, kafka, program, server):
    one = _scene(request, components, kafka, program, server)
    yield one
    one.close()


@pytest.fixture(params=["native", "embedded", "plain"])
def scene_on_each(request, components, kafka, program):
    """The same test on each kind of database."""
    if request.param == "native" and not native_is_installed():
        pytest.skip("no native TimescaleDB is installed")
    one = _scene(request, components, kafka, program, components.server(request.param))
    yield one
    one.close()


@pytest.fixture
def scene_behind_pgbouncer(request, components, kafka, program):
    """Plain PostgreSQL, whose server has a pooled_url."""
    one = _scene(request, components, kafka, program, components.server("plain"))
    yield one
    one.close()


@pytest.fixture(scope="session")
def run_program(program):
    return lambda *arguments, **options: run_command(program, *arguments, **options)


# A failed test leaves its configuration and logs in build/test-logs/<test>; one that passed leaves nothing.


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    scene = next((value for value in item.funcargs.values() if isinstance(value, Scene)), None)
    if scene is None:
        return
    if report.failed:
        item.tidegate_failed = True
    if report.when == "call" and report.failed:
        report.sections.append(("logs of the processes", scene.tails()))
        components = getattr(item.config, "components", None)
        for kind, path in components.logs() if components else []:
            shutil.copy(path, scene.directory / f"{kind}-{path.parent.name}.log")
        report.sections.append(("more", f"configuration and logs are in {scene.directory}"))
    if report.when == "teardown" and not getattr(item, "tidegate_failed", False):
        shutil.rmtree(scene.directory, ignore_errors=True)
