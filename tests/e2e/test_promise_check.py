"""`tidegate check`: every mistake by key and line, with what is wrong and what would be right; and every part of the
surroundings that does not play along, with its cause."""

import re

import pytest

from scene import free_port

# One sound configuration; a case replaces one line (or adds one after it).
SOUND = """\
name = "plant";
kafka: {
    bootstrap_servers = "%(kafka)s";
    properties: { client_id = "check"; };
};
registry: {
    url = "%(registry)s";
};
database: {
    url = "%(database)s";
};
http: { listen = "127.0.0.1:0"; };
sinks = (
  {
    name = "%(name)s";
    topics = [ "%(topic)s" ];
    writers = 2;
    batch: { max_rows = 50000; linger_ms = "5ms"; };
    errors: { tolerance = "all"; dead_letter_topic = "%(topic)s.dead"; };
    routes = (
      {
        topic = "%(topic)s";
        table = "%(name)s.readings";
        create = true;
        time_column = "time";
      } );
  } );
"""

# name, line that is replaced (its first words), what stands there instead, key, words that must be in the answer
MISTAKES = [
    ("misspelt key", "bootstrap_servers", 'bootstrap_server = "127.0.0.1:9092";',
     "kafka.bootstrap_server", ["bootstrap_servers"]),
    ("misspelt group", "http:", 'htpp: { listen = "127.0.0.1:0"; };', "htpp", ["http"]),
    ("text for a number", "writers", 'writers = "two";', "sinks[0].writers", ["two", "1", "64"]),
    ("too small", "writers", "writers = 0;", "sinks[0].writers", ["0", "1", "64"]),
    ("too large", "writers", "writers = 65;", "sinks[0].writers", ["65", "64"]),
    ("number for a text", "name = \"%", "name = 5;", "sinks[0].name", ["5"]),
    ("unknown choice", "errors:", 'errors: { tolerance = "some"; };', "sinks[0].errors.tolerance",
     ["some", "none", "all"]),
    ("bad duration", "batch:", 'batch: { linger_ms = "5 parsecs"; };', "sinks[0].batch.linger_ms", ["5 parsecs"]),
    ("bad size", "batch:", 'batch: { max_bytes = "8 stones"; };', "sinks[0].batch.max_bytes", ["8 stones", "MiB"]),
    ("batch larger than the memory", "batch:", 'batch: { max_bytes = "80MiB"; }; memory: { encoded_bytes = "1MiB"; };',
     "sinks[0].batch.max_bytes", ["encoded_bytes"]),
    ("two registries", "url = \"%(registry", 'url = "http://127.0.0.1:1"; directory = "schemas";', "registry",
     ["url", "directory"]),
    ("no database", "url = \"%(database", "", "database.url", []),
    ("no topic of a route", "topic = ", "", "sinks[0].routes[0].topic", []),
    ("broken expression", "topic = ", 'topic = "^sensors(";', "sinks[0].routes[0].topic", ["^sensors("]),
    ("group reference without a group", "table = ", 'table = "public.t_$1";', "sinks[0].routes[0].table", ["$1"]),
    ("dead letters without tolerance", "errors:", 'errors: { tolerance = "none"; dead_letter_topic = "x.dead"; };',
     "sinks[0].errors.dead_letter_topic", ["tolerance"]),
    ("dead letters into the sink's own topic", "errors:",
     'errors: { tolerance = "all"; dead_letter_topic = "%(topic)s"; };', "sinks[0].errors.dead_letter_topic",
     ["topics"]),
    ("a chunk interval for a table that is not made", "create", 'create = false; chunk_interval = "1 day";',
     "sinks[0].routes[0].chunk_interval", ["create"]),
    ("a mode that is not there", "create", 'create = true; mode = "teleport";', "sinks[0].routes[0].mode",
     ["teleport", "append"]),
    ("key given twice", "writers", "writers = 2; writers = 3;", "sinks[0].writers", []),
    ("variable that is not set", "url = \"%(database", 'url = "postgresql://u:${env:TG_NOT_SET}@127.0.0.1/x";',
     "database.url", ["TG_NOT_SET"]),
    ("secret file that is not there", "url = \"%(database", 'url = "${file:/nowhere/url}";', "database.url",
     ["/nowhere/url"]),
    ("no such property of librdkafka", "properties", 'properties: { security_protokol = "SSL"; };',
     "kafka.properties.security_protokol", ["security"]),
    ("missing value", "writers", "writers = ;", None, []),
    ("missing quote", "name = \"plant", 'name = "plant;', None, []),
    ("bad address", "http:", 'http: { listen = "127.0.0.1"; };', "http.listen", ["127.0.0.1", "port"]),
    ("bad name", "name = \"%", 'name = "my sink!";', "sinks[0].name", ["my sink!"]),
]


@pytest.fixture
def sound(scene):
    """The text of a configuration that is right, for this test's components."""
    topic = scene.topic()
    return SOUND, {"kafka": scene.kafka.bootstrap_servers, "registry": scene.kafka.registry_url,
                   "database": scene.server.url, "name": scene.name, "topic": topic}


def _replaced(text, begin, replacement):
    """(text, number of the line) with the line that begins with these words replaced."""
    lines = text.splitlines()
    number = next(i for i, line in enumerate(lines) if line.strip().startswith(begin))
    lines[number] = replacement
    return "\n".join(lines) + "\n", number + 1


def _fill(text, values):
    for name, value in values.items():
        text = text.replace(f"%({name})s", value)
    return text


def test_promise_check_approves_of_a_sound_configuration(scene, sound):
    text, values = sound
    code, output, _ = scene.check(_fill(text, values))
    assert code == 0, output


@pytest.mark.parametrize("case", MISTAKES, ids=[case[0].replace(" ", "_") for case in MISTAKES])
def test_promise_check_names_key_line_and_remedy_of(scene, sound, case):
    _, begin, replacement, key, words = case
    text, values = sound
    text, line = _replaced(text, begin, replacement)
    code, output, path = scene.check(_fill(text, values))
    assert code != 0, output
    said = [one for one in output.splitlines() if key is None or key in one]
    assert said, f"nothing is said about {key}:\n{output}"
    if replacement:
        assert any(f"{path.name}:{line}" in one for one in said), f"not of line {line}:\n{output}"
    else:
        assert any(re.search(re.escape(path.name) + r":\d+", one) for one in said), output
    for word in words:
        assert any(word in one for one in said), f"{word!r} is not mentioned:\n{output}"


def test_promise_check_reports_all_mistakes_at_once_and_those_of_the_environment(scene, sound):
    text, values = sound
    text, first = _replaced(text, "writers", "writers = 99;")
    text, second = _replaced(text, "time_column", 'time_colum = "time";')
    code, output, path = scene.check(_fill(text, values), environment={"TIDEGATE_HTTP__MAX_CONNECTIONS": "many"})
    assert code != 0
    assert f"{path.name}:{first}" in output and f"{path.name}:{second}" in output, output
    assert any("max_connections" in line.lower() and "many" in line for line in output.splitlines()), output


def test_promise_the_environment_overrides_the_file(scene, sound):
    text, values = sound
    text, _ = _replaced(text, "url = \"%(database", 'url = "postgresql://nobody@127.0.0.1:1/nowhere";')
    code, output, _ = scene.check(_fill(text, values), environment={"TIDEGATE_DATABASE__URL": scene.server.url})
    assert code == 0, output


def test_promise_check_and_run_never_print_a_password(scene, sound):
    text, values = sound
    secret = "Tr0ub4dor-is-secret"
    values["database"] = values["database"].replace("postgres@", f"postgres:{secret}@")
    text, _ = _replaced(text, "writers", "writers = 99;")
    _, output, _ = scene.check(_fill(text, values))
    assert secret not in output
    values["database"] = f"postgresql://postgres:{secret}@127.0.0.1:{free_port()}/x"
    _, output, _ = scene.check(_fill(SOUND, values))
    assert secret not in output


class Surroundings:
    """Servers that are away or unwilling."""

    def __init__(self, scene, values):
        self.scene, self.values = scene, values

    def wrong_broker(self):
        self.values["kafka"] = f"127.0.0.1:{free_port()}"
        return [self.values["kafka"]]

    def wrong_registry(self):
        self.values["registry"] = f"http://127.0.0.1:{free_port()}/apis/ccompat/v7"
        return [self.values["registry"].split("/")[2]]

    def registry_that_is_something_else(self):
        self.values["registry"] = self.scene.kafka.registry_url.replace("ccompat/v7", "nothing/here")
        return [self.values["registry"], "ccompat"]

    def database_away(self):
        port = free_port()
        self.values["database"] = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        return [str(port)]

    def wrong_password(self):
        role = self._role("scram-sha-256")
        self.values["database"] = self._url(role, "wrong")
        return ["password", role]

    def missing_database(self):
        self.values["database"] = self.scene.server.url.rsplit("/", 1)[0] + "/no_such_database"
        return ["no_such_database", "does not exist"]

    def missing_privilege(self):
        role = self._role("trust")
        self.values["database"] = self._url(role, "right")
        return ["permission denied for schema tidegate", role]

    def missing_privilege_to_write(self):
        """The catalogue is open to the role, the table is not."""
        role = self._role("trust")
        with self.scene.connect() as connection:
            connection.execute(f"CREATE TABLE {self.scene.table()} (id bigint, time timestamptz)")
            connection.execute(f"GRANT USAGE ON SCHEMA tidegate, {self.scene.name} TO {role}")
            connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA tidegate TO {role}")
            connection.execute(f"GRANT SELECT ON {self.scene.table()} TO {role}")
        self.values["database"] = self._url(role, "right")
        return ["INSERT", self.scene.table(), role]

    def missing_privilege_to_create(self):
        """The table is not there, and the role may not make it."""
        role = self._role("trust")
        with self.scene.connect() as connection:
            connection.execute(f"GRANT USAGE ON SCHEMA tidegate, {self.scene.name} TO {role}")
            connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA tidegate TO {role}")
        self.values["database"] = self._url(role, "right")
        return ["CREATE", self.scene.name, role]

    def missing_migration(self):
        name = self.scene.name + "_bare"
        with self.scene.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        self.values["database"] = self.scene.server.url.rsplit("/", 1)[0] + "/" + name
        return ["tidegate migrate up"]

    def missing_topic(self):
        self.values["topic"] = self.scene.name + ".never_made"
        return [self.values["topic"]]

    def _url(self, role, password):
        return self.scene.server.url.replace("postgres@", f"{role}:{password}@")

    def _role(self, method):
        """A role that may log in, by the method given."""
        role = self.scene.name + "_role"
        with self.scene.connect() as connection:
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'right'")
            path = connection.execute("SHOW hba_file").fetchone()[0]
            with open(path, encoding="utf-8") as file:
                rules = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"host all {role} 127.0.0.1/32 {method}\n{rules}")
            connection.execute("SELECT pg_reload_conf()")
        return role

    def restore(self):
        with self.scene.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {self.scene.name}_bare WITH (FORCE)")
            role = self.scene.name + "_role"
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None:
                connection.execute(f"DROP OWNED BY {role}")
                connection.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize("what", [name for name in vars(Surroundings) if name.split("_")[0] in
                                  ("wrong", "missing", "database", "registry")])
def test_promise_check_says_the_cause_with(scene, sound, what):
    text, values = sound
    surroundings = Surroundings(scene, dict(values))
    try:
        words = getattr(surroundings, what)()
        code, output, _ = scene.check(_fill(text, surroundings.values))
        print(output)
        assert code != 0, output
        for word in words:
            assert word in output, f"{word!r} is not mentioned:\n{output}"
    finally:
        surroundings.restore()
