"""Where the catalog is: precedence, paths, secrets, broken files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import config
from catalog.errors import SecretInline, UsageError


@pytest.fixture
def layers(home, monkeypatch):
    """Each layer set on request; `layers("flag", "environment")` returns the flag to pass."""

    def put(*names):
        if "environment" in names:
            monkeypatch.setenv("CATALOG_DB", "/environment.db")
        if "project" in names:
            (home / "catalog.toml").write_text('db = "/project.db"\n')
        if "user" in names:
            config.user_config_dir().mkdir(parents=True, exist_ok=True)
            (config.user_config_dir() / "config.toml").write_text('db = "/user.db"\n')
        return "/flag.db" if "flag" in names else None

    return put


ORDER = ("flag", "environment", "project", "user")


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_first_layer_that_says_something_wins(layers, first):
    flag = layers(*ORDER[first:])
    assert config.database_url(flag) == f"sqlite:////{ORDER[first]}.db"


def test_the_default_is_in_the_users_data_directory(home):
    found = config.locate()
    assert found.source == "default"
    assert found.url == f"sqlite:///{config.user_data_dir() / 'catalog.db'}"
    assert config.user_data_dir().is_relative_to(home)


def test_an_empty_variable_says_nothing(layers, monkeypatch):
    layers("project")
    monkeypatch.setenv("CATALOG_DB", "")
    assert config.database_url() == "sqlite:////project.db"


def test_the_nearest_project_file_counts_and_its_paths_are_its_own(home, monkeypatch):
    below = home / "a" / "b"
    below.mkdir(parents=True)
    (home / "catalog.toml").write_text('db = "far.db"\n')
    (home / "a" / "catalog.toml").write_text('db = "near.db"\n')
    monkeypatch.chdir(below)
    assert config.locate() == config.Location(f"sqlite:///{home / 'a' / 'near.db'}", str(home / "a" / "catalog.toml"))


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("/x/catalog.db", "sqlite:////x/catalog.db"),
        ("rel.db", "sqlite:///{home}/rel.db"),
        ("./a/../rel.db", "sqlite:///{home}/rel.db"),
        ("~/mine.db", "sqlite:///{home}/mine.db"),
        ("sqlite:///rel.db", "sqlite:///{home}/rel.db"),
        ("sqlite:////x/y.db", "sqlite:////x/y.db"),
        ("odd name?#%.db", "sqlite:///{home}/odd name?#%.db"),
        ("postgres://ann@db/team", "postgresql://ann@db/team"),
        ("postgresql+psycopg://ann@db/team", "postgresql://ann@db/team"),
        ("postgresql://db:5432/team?application_name=a@b", "postgresql://db:5432/team?application_name=a@b"),
    ],
)
def test_paths_and_urls(home, value, url):
    assert config.database_url(value) == url.format(home=home)


@pytest.mark.parametrize(
    "value", ["mysql://h/d", ":memory:", "sqlite://", "sqlite:///:memory:", "~nobody-here/x.db", "."]
)
def test_what_is_no_database_is_refused(value):
    with pytest.raises(UsageError):
        config.database_url(value)


PASSWORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20).map("Zq9".__add__)


@given(password=PASSWORDS)
def test_a_password_in_a_flag_is_refused_and_not_repeated(password):
    with pytest.raises(SecretInline) as caught:
        config.database_url(f"postgresql://ann:{password}@db.example.com/team")
    assert "pgpass" in caught.value.hint
    assert "Zq9" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:se/cret@db/team",
        "postgresql://db/team?user=ann&password=secret",
        "postgresql://db/team?sslPassword=secret",
        "host=db user=ann password=secret",
    ],
)
def test_passwords_in_odd_places_are_refused(url, home):
    with pytest.raises(SecretInline):
        config.database_url(url)
    (home / "catalog.toml").write_text(f'db = "{url}"\n')
    with pytest.raises(SecretInline):
        config.database_url()


def test_the_environment_may_hold_a_password(monkeypatch):
    monkeypatch.setenv("CATALOG_DB", "postgresql://ann:secret@db/team")
    assert config.database_url() == "postgresql://ann:secret@db/team"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'database = "x.db"\n', "db"),
        (b"db = 3\n", "string"),
        (b"db = \n", "TOML"),
        (b"\xff\xfe\x00", "TOML"),
    ],
)
def test_a_broken_file_is_named(home, content, said):
    (home / "catalog.toml").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        config.database_url()
    assert str(home / "catalog.toml") in caught.value.message
    assert said in caught.value.message + caught.value.hint
