"""Settings, and the addresses on which a server may listen."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.synthesizer.settings import SynthesizerSettings
from services.testdata.settings import TestdataSettings
from shared.db.address import read_address
from shared.hosts import is_loopback
from shared.roster import SERVICES
from shared.settings import BadSetting, Settings, UnsafeListening


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_needs_no_protection(host: str) -> None:
    assert is_loopback(host)
    Settings(host=host).check_listening()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "localhost.example.org", ""])
def test_an_address_beyond_loopback_needs_protection(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(UnsafeListening):
        Settings(host=host).check_listening()


def test_authentication_and_tls_allow_any_address(tmp_path: Path) -> None:
    file = tmp_path / "some.pem"
    file.touch()

    Settings(host="0.0.0.0", jwt_secret=SecretStr("x" * 32), tls_cert=file, tls_key=file).check_listening()
    Settings(host="0.0.0.0", insecure=True).check_listening()


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_PORT", "9003")

    assert Settings.read().port == 9003


def test_a_bad_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_PORT", "s3cret")

    with pytest.raises(BadSetting, match="GREENROOM_PORT is not valid") as refused:
        Settings.read()
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ()),
        ("a.example", ("a.example",)),
        ("a.example,b.example", ("a.example", "b.example")),
        (" a.example , b.example,", ("a.example", "b.example")),
        ('["a.example", "b.example"]', ("a.example", "b.example")),
        ('"a.example"', ("a.example",)),
        ("[]", ()),
        ("127.0.0.1", ("127.0.0.1",)),
        ("8", ("8",)),
        ("[::1],b.example", ("[::1]", "b.example")),
    ],
)
def test_a_setting_with_several_values_is_a_json_list_or_has_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, read: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GREENROOM_AGENT_HOSTS", text)

    assert SynthesizerSettings.read().agent_hosts == read


SEVERAL = [
    (service.settings, name)
    for service in SERVICES
    for name, field in service.settings.model_fields.items()
    if field.annotation is not None and getattr(field.annotation, "__origin__", None) is tuple
]


@pytest.mark.parametrize(("kind", "name"), SEVERAL)
@pytest.mark.parametrize("text", ['["s3cret"', "['s3cret']", '{"s3cret": 1}', "[s3cret]", '["s3cret", 1]', "[[]]"])
def test_half_a_json_list_is_refused_by_the_name_of_the_setting(
    monkeypatch: pytest.MonkeyPatch, kind: type[Settings], name: str, text: str
) -> None:
    monkeypatch.setenv(f"GREENROOM_{name.upper()}", text)

    with pytest.raises(BadSetting, match=f"^GREENROOM_{name.upper()} is not valid: ") as refused:
        kind.read()
    assert "s3cret" not in str(refused.value)


EVERY = {
    (name, repr(field.annotation)): service.settings
    for service in SERVICES
    for name, field in service.settings.model_fields.items()
}
"""A service that reads each setting: several read the same ones."""


@pytest.mark.parametrize("text", ["s3cret", "-1", "inf", "nan", "1e300", "s3cret\udcff", "é", "[", "{}", "9" * 5000])
def test_whatever_a_setting_says_it_is_read_or_refused_in_one_sentence_without_the_value(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    for (name, _), kind in EVERY.items():
        variable = f"GREENROOM_{name.upper()}"
        with monkeypatch.context() as patched:
            patched.setenv(variable, text)
            said = f"{variable} is not valid: "
            try:
                kind.read()
            except BadSetting as refused:
                said = str(refused)
        assert said.startswith(f"{variable} is not valid: ")
        assert "s3cret" not in said
        assert "\n" not in said


ADDRESSES = {
    "": None,
    "s3cret": "must begin with postgresql://",
    "mysql://u:s3cret@h/d": "must begin with postgresql://",
    '"postgresql://u:s3cret@h/d"': "must begin with postgresql://",
    "postgresql://u:s3cret@h:port/d": "the port",
    "postgresql://u:s3cret@h:0/d": "the port",
    "postgresql://u:s3cret@h:65536/d": "the port",
    "postgresql://u:s3cret@h1:5432,h2:x/d": "the port",
    "postgresql://u:s3cr:et@h:5432:7/d": "the port",
    "postgresql://u:a@s3cret@h/d": "%40",
    "postgresql://u:s3cret@h/d?sslmode=s3cret": "sslmode",
    "postgresql://u:s3cret@h/d?s3cret=1": "an option that is not known",
    "postgresql://u:s3cret@h/d?connect_timeout=s3cret": "connect_timeout",
    "postgresql://u:s3cret@h/d?sslrootcert=/s3cret": "sslrootcert",
}


@pytest.mark.parametrize(("address", "why"), [(text, why) for text, why in ADDRESSES.items() if why])
def test_an_address_of_a_database_that_cannot_be_right_is_refused_without_telling_it(address: str, why: str) -> None:
    with pytest.raises(BadSetting, match=rf"^GREENROOM_DATABASE_URL is not valid: .*{why}") as refused:
        Settings(database_url=SecretStr(address)).store_at("synthesizer")
    assert "s3cr" not in str(refused.value)

    with pytest.raises(BadSetting, match=r"^GREENROOM_TESTDATA_DATABASE_URL is not valid"):
        TestdataSettings(testdata_database_url=SecretStr(address)).store_at("testdata")


@pytest.mark.parametrize(
    "options",
    [
        "sslmode=require",
        "sslmode=disable&connect_timeout=10",
        "sslmode=require&channel_binding=require",
        "ssl=true",
        "ssl=require",
        "application_name=us&options=-c%20search_path%3Dours",
        "target_session_attrs=read-write",
        "keepalives=1&keepalives_idle=10",
    ],
)
@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
def test_the_options_of_postgresqls_own_programs_are_understood(scheme: str, options: str) -> None:
    for hosts in ("h", "h:6543", "h1,h2", "h1:1,h2:2", "[::1]:5432"):
        address = read_address(f"{scheme}://u:p@{hosts}/d?{options}")

        taken = address.url.get_dialect()().create_connect_args(address.url)[1]
        assert (taken["user"], taken["database"]) == ("u", "d")
        assert set(taken) <= {"host", "port", "user", "password", "database"}


def test_a_data_folder_that_cannot_be_made_is_refused_by_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(BadSetting, match="GREENROOM_DATA_DIR is not valid"):
            Settings(data_dir=folder).make_data_dir()


def test_a_new_data_folder_is_private_and_an_existing_one_keeps_its_mode(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o750)
    for folder in (tmp_path / "new" / "own", theirs):
        Settings(data_dir=folder).make_data_dir()

    assert (tmp_path / "new" / "own").stat().st_mode & 0o777 == 0o700
    assert theirs.stat().st_mode & 0o777 == 0o750


def test_secrets_are_not_printed() -> None:
    shown = repr(Settings(jwt_secret=SecretStr("hush"), database_url=SecretStr("postgresql://u:hush@h/d")))

    assert "hush" not in shown


def test_every_setting_has_a_docstring() -> None:
    assert all(field.description for field in Settings.model_fields.values())
