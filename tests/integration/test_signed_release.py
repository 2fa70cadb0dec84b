"""A release is verified by the lines of SECURITY.md: what was signed passes, whatever was changed since does not."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIGN = ROOT / ".ci" / "sign"
SIGNERS = ROOT / "packaging" / "release_signers"
LINES = re.findall(r"```sh\n(ssh-keygen.*?)```", (ROOT / "SECURITY.md").read_text(encoding="utf-8"), re.DOTALL)

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not SIGN.exists(), reason="a source distribution has no .ci"),
    pytest.mark.skipif(
        not (shutil.which("ssh-keygen") and shutil.which("sha256sum") and shutil.which("bash")),
        reason="releases are signed with OpenSSH and the tools of GNU",
    ),
]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder with two files, signed by a key that the signers' file beside them names."""
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "tracking_ledger-1.0.whl").write_bytes(b"a wheel")
    (folder / "sbom.json").write_bytes(b"{}")
    key = made_key(tmp_path / "key")
    sign(folder, key)
    named = f'releases namespaces="tracking-ledger" {key.with_suffix(".pub").read_text()}'
    (folder / "release_signers").write_text(SIGNERS.read_text(encoding="utf-8") + named, encoding="utf-8")
    return folder


def test_what_was_signed_is_verified(release: Path) -> None:
    assert verified(release) == [True, True]


def change_a_file(release: Path) -> None:
    (release / "sbom.json").write_bytes(b"{ }")


def remove_a_file(release: Path) -> None:
    (release / "sbom.json").unlink()


def change_a_file_and_its_digest(release: Path) -> None:
    change_a_file(release)
    sums = release / "SHA256SUMS"
    sums.write_bytes(subprocess.run(["sha256sum", "sbom.json"], cwd=release, capture_output=True, check=True).stdout)


def sign_with_another_key(release: Path) -> None:
    change_a_file(release)
    (release / "release_signers").rename(release.parent / "aside")
    sign(release, made_key(release.parent / "another"))
    (release.parent / "aside").rename(release / "release_signers")


@pytest.mark.parametrize(
    ("changed", "passes"),
    [
        (change_a_file, [True, False]),
        (remove_a_file, [True, False]),
        (change_a_file_and_its_digest, [False, True]),
        (sign_with_another_key, [False, True]),
    ],
)
def test_what_was_changed_since_is_found(release: Path, changed: Callable[[Path], None], passes: list[bool]) -> None:
    changed(release)

    assert verified(release) == passes


def verified(release: Path) -> list[bool]:
    """Whether each line of SECURITY.md ends with 0."""
    [lines] = LINES
    return [
        subprocess.run(line, cwd=release, shell=True, capture_output=True).returncode == 0
        for line in lines.splitlines()
    ]


def sign(folder: Path, key: Path) -> None:
    subprocess.run([SIGN, folder, key], check=True, capture_output=True, stdin=subprocess.DEVNULL)


def made_key(file: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file], check=True)
    return file
