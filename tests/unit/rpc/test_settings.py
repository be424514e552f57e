"""Settings, and where a server may listen."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.hosts import is_loopback
from shared.settings import BadSetting, Settings, UnsafeListening


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_needs_no_protection(host: str) -> None:
    assert is_loopback(host)
    Settings(host=host).check_listening()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "localhost.example.org", ""])
def test_what_others_may_reach_does(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(UnsafeListening):
        Settings(host=host).check_listening()


def test_authentication_and_tls_open_the_door(tmp_path: Path) -> None:
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


def test_the_data_folder_is_made_for_its_owner_alone_and_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o750)
    for folder in (tmp_path / "new" / "own", theirs):
        Settings(data_dir=folder).make_data_dir()

    assert (tmp_path / "new" / "own").stat().st_mode & 0o777 == 0o700
    assert theirs.stat().st_mode & 0o777 == 0o750


def test_secrets_do_not_show() -> None:
    shown = repr(Settings(jwt_secret=SecretStr("hush"), database_url=SecretStr("postgresql://u:hush@h/d")))

    assert "hush" not in shown


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in Settings.model_fields.values())
