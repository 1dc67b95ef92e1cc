"""The disk cache: one readable module for each specialisation, private to the user.

``SYMGRAD_CACHE_DIR`` says where it is (else the platform's cache directory of the user); ``SYMGRAD_CACHE=off`` turns it
off. A file is used only if the user owns it, nobody else can write to it and its digest is right.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symgrad.errors import SymgradWarning
from symgrad.runtime.identity import digest

MOST_FILES = 2000
_SUFFIX = ".py"
_UNFINISHED = ".writing-"
_DIGEST = "# sha256 "
_FIRST_LINE = len(_DIGEST) + 64 + 1
_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Entry:
    """A stored module: its whole text and where it is."""

    path: str | None
    text: str


@dataclass(frozen=True)
class CacheInfo:
    """What the disk cache holds; ``directory`` is empty where it is turned off or unusable."""

    directory: str
    files: int
    bytes: int


def location() -> Path | None:
    """Where the cache is, or None where it is turned off."""
    if os.environ.get("SYMGRAD_CACHE", "").lower() in ("off", "0", "no", "false"):
        return None
    if chosen := os.environ.get("SYMGRAD_CACHE_DIR"):
        return Path(chosen).absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = Path(base).expanduser()
    return home / "symgrad" if home.is_absolute() else None


def entry_key(function: str, request: str, signature: str) -> str:
    """The name under which the specialisations of a function for a signature are kept."""
    return digest(f"{function}\n{request}\n{signature}\n{versions()}\n{_package_state()}")


@functools.lru_cache(maxsize=1)
def versions() -> str:
    """The versions that a stored module belongs to."""
    python = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
    own = sys.modules["symgrad"].__version__
    return f"symgrad {own}, NumPy {np.__version__}, {python}"


@functools.lru_cache(maxsize=1)
def _package_state() -> str:
    """Name, size and time of every file of symgrad's own: the version of its rules."""
    return digest("\n".join(sorted(_files(str(Path(__file__).parent.parent)))))


def _files(directory: str) -> Iterator[str]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif entry.name.endswith(_SUFFIX):
                about = entry.stat()
                yield f"{entry.path[len(directory) :]} {directory} {about.st_size} {about.st_mtime_ns}"


def read(key: str) -> list[Entry]:
    """The sound entries of a key, in a fixed order; a warning for each that is not."""
    directory = _safe_directory()
    if directory is None:
        return []
    try:
        paths = sorted(entry.path for entry in os.scandir(directory) if f"-{key}-" in entry.name)
    except OSError:
        return []
    found = ((path, _read_sound(path)) for path in paths if path.endswith(_SUFFIX))
    return [Entry(path, text) for path, text in found if text is not None]


def _safe_directory() -> Path | None:
    directory = location()
    try:
        about = directory.lstat() if directory is not None else None
    except OSError:
        return None
    if about is None or directory is None:
        return None
    if not stat.S_ISDIR(about.st_mode):
        _ignored(directory, "it is not a directory of its own")
        return None
    return directory if _private(about, directory) else None


def _private(about: os.stat_result, path: Path | str) -> bool:
    """Whether nobody but the user can have written a file."""
    if not hasattr(os, "geteuid"):
        return True
    if about.st_uid != os.geteuid():
        _ignored(path, "another user owns it")
        return False
    if about.st_mode & _OTHERS_WRITE:
        _ignored(path, "other users can write to it")
        return False
    return True


def _ignored(path: Path | str, reason: str) -> None:
    warnings.warn(f"symgrad ignores {path} in its cache: {reason}", SymgradWarning, stacklevel=2)


def _read_sound(path: str) -> str | None:
    try:
        handle = os.open(path, os.O_RDONLY | _SAFELY | _BINARY)
    except FileNotFoundError:
        return None
    except OSError as error:
        _ignored(path, error.strerror or "it cannot be opened")
        return None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            _ignored(path, "it is not a file")
            return None
        if not _private(about, path):
            return None
        with open(handle, "rb", closefd=False) as file:
            data = file.read()
    finally:
        os.close(handle)
    if data[:_FIRST_LINE] != _digest_line(data[_FIRST_LINE:]):
        _ignored(path, "it is damaged or was edited")
        return None
    return data.decode()


def _digest_line(rest: bytes) -> bytes:
    return f"{_DIGEST}{hashlib.sha256(rest).hexdigest()}\n".encode()


def sealed(text: str) -> str:
    """A module's text under the digest line by which ``read`` knows that it is whole."""
    return _digest_line(text.encode()).decode() + text


def write(key: str, name: str, text: str) -> str | None:
    """Stores a sealed module and gives its path; None where nothing can be stored."""
    directory = location()
    if directory is None:
        return None
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _safe_directory() is None:
            return None
        return _write(directory, f"{name[:60]}-{key}-{digest(text)[:12]}{_SUFFIX}", text.encode())
    except OSError as error:
        _ignored(directory, error.strerror or "it cannot be written")
        return None


def _write(directory: Path, name: str, data: bytes) -> str:
    temporary = directory / f"{_UNFINISHED}{os.urandom(8).hex()}"
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600), "wb") as file:
            file.write(data)
        temporary.replace(directory / name)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _prune(directory)
    return str(directory / name)


def _prune(directory: Path) -> None:
    """Drops the oldest quarter when there are too many files."""
    with os.scandir(directory) as entries:
        paths = [entry.path for entry in entries]
    if len(paths) <= MOST_FILES:
        return
    for path in sorted(paths, key=_age)[: len(paths) - MOST_FILES * 3 // 4]:
        Path(path).unlink(missing_ok=True)


def _age(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return 0.0


def cache_info() -> CacheInfo:
    """How many modules the disk cache holds, and their size.

    >>> cache_info().files >= 0
    True
    """
    directory = _safe_directory()
    if directory is None:
        return CacheInfo("", 0, 0)
    sizes = [path.lstat().st_size for path in directory.glob(f"*{_SUFFIX}")]
    return CacheInfo(str(directory), len(sizes), sum(sizes))


def clear() -> int:
    """Removes every module from the disk cache; how many there were."""
    directory = _safe_directory()
    paths = [*directory.glob(f"*{_SUFFIX}"), *directory.glob(f"{_UNFINISHED}*")] if directory is not None else []
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)
