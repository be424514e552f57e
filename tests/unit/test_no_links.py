"""Opening files and folders without following links."""

import os
from pathlib import Path

import pytest

from shared.no_links import Place, open_file, resolved


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = resolved(tmp_path)
    (root / "mine" / "deep").mkdir(parents=True)
    (root / "others").mkdir()
    for folder in ("mine/deep", "others"):
        (root / folder / "log").write_text(folder)
    return root


def test_a_file_is_opened_by_its_path(root: Path) -> None:
    with open_file(root / "mine" / "deep" / "log") as file:
        assert file.read() == b"mine/deep"


@pytest.mark.parametrize(
    ("link", "target"), [("mine/deep/log", "../../others/log"), ("mine/deep", "../others"), ("mine", "others")]
)
def test_a_file_is_not_opened_once_a_part_of_its_path_has_become_a_link(root: Path, link: str, target: str) -> None:
    checked = resolved(root / "mine" / "deep" / "log")
    (root / link).rename(root / "away")
    (root / link).symlink_to(target)

    with pytest.raises(OSError, match=r"Not a directory|Too many levels|No such file"):
        open_file(checked)


def test_what_is_no_regular_file_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe")

    with pytest.raises(OSError, match="no regular file"):
        open_file(root / "pipe")


def test_a_folder_is_made_below_its_root_and_never_through_a_link(root: Path) -> None:
    with Place(root, ("mine", "new", "newer")).open(make=True) as folder:
        os.close(os.open("part", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    (root / "mine" / "up").symlink_to("..")

    assert (root / "mine" / "new" / "newer" / "part").exists()
    with pytest.raises(NotADirectoryError), Place(root, ("mine", "up", "others")).open(make=True):
        pass


def test_links_in_a_circle_are_an_error_and_a_missing_folder_is_none(root: Path) -> None:
    (root / "circle").symlink_to("circle")

    with pytest.raises(OSError, match="Too many levels"):
        resolved(root / "circle" / "deeper")
    assert resolved(root / "mine" / "missing" / "log") == root / "mine" / "missing" / "log"
