import os
import subprocess
import sys
import textwrap
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
from fake_pipeline import FakePipeline

import symgrad
from symgrad.errors import SymgradWarning
from symgrad.ir.signature import Capture, StaticArg
from symgrad.runtime import cache, store

HERE = Path(__file__).parent
A = np.zeros((3, 4))

MODULE = """
import numpy as np
factor = 2.0
AXIS = "rows"

def helper(x):
    return x * 2

def loss(x, y=1.0):
    return helper(x).sum() * factor
"""


@pytest.fixture
def place(monkeypatch, tmp_path):
    monkeypatch.setenv("SYMGRAD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("SYMGRAD_CACHE", raising=False)
    store.forget()
    return tmp_path / "cache"


@pytest.fixture
def fake(place, monkeypatch):
    return FakePipeline(body="return x").install(monkeypatch)


def load_module(path, text=MODULE):
    """A module as a new process would import it."""
    store.forget()
    path.write_text(text)
    module = types.ModuleType("model")
    exec(compile(text, str(path), "exec"), vars(module))
    return module


def with_helper(fake, module):
    fake.captures = (
        Capture(("globals", "helper"), StaticArg(module.helper, "helper"), None),
        Capture(("globals", "AXIS"), StaticArg(module.AXIS, "axis"), None),
    )


def files(place):
    return sorted(path for path in place.iterdir() if path.suffix == ".py")


def quiet(d, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return d(*args)


def test_written_once_then_read(fake, place, tmp_path):
    module = load_module(tmp_path / "model.py")
    with_helper(fake, module)
    assert quiet(symgrad.grad(module.loss), A) is A
    (path,) = files(place)
    assert place.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    first = path.read_bytes()
    again = symgrad.grad(load_module(tmp_path / "model.py").loss)
    assert quiet(again, A) is A
    assert len(fake.compiled) == 1
    assert again.__code__.co_filename == str(path)
    path.unlink()
    quiet(symgrad.grad(load_module(tmp_path / "model.py").loss), A)
    assert files(place)[0].read_bytes() == first


@pytest.mark.parametrize(
    ("old", "new", "compiles"),
    [
        ("x * 2", "x * 3", True),
        ("helper(x).sum()", "helper(x).mean()", True),
        ('AXIS = "rows"', 'AXIS = "columns"', True),
        ("y=1.0", "y=None", True),
        ("y=1.0", "y=2.0", True),
        ("factor = 2.0", "factor = 3.0", False),
        ("import numpy as np", "import numpy as np\n\n# moved down", False),
    ],
)
def test_an_edit_is_seen(fake, place, tmp_path, old, new, compiles):
    module = load_module(tmp_path / "model.py")
    with_helper(fake, module)
    symgrad.grad(module.loss)(A)
    module = load_module(tmp_path / "model.py", MODULE.replace(old, new))
    with_helper(fake, module)
    symgrad.grad(module.loss)(A)
    assert len(fake.compiled) == 1 + compiles


def test_variants_of_one_key_live_side_by_side(fake, place, tmp_path):
    for text in (MODULE, MODULE.replace("x * 2", "x * 3"), MODULE):
        module = load_module(tmp_path / "model.py", text)
        with_helper(fake, module)
        symgrad.grad(module.loss)(A)
    assert len(fake.compiled) == 2
    keys = {path.name.split("-")[1] for path in files(place)}
    assert len(files(place)) == 2
    assert len(keys) == 1


def test_requests_signatures_and_versions_are_told_apart(fake, place, tmp_path, monkeypatch):
    module = load_module(tmp_path / "model.py")
    symgrad.grad(module.loss)(A)
    symgrad.grad(module.loss, argnums=1)(A)
    symgrad.value_and_grad(module.loss)(A)
    symgrad.grad(module.loss)(A[:1])
    assert len(fake.compiled) == 4
    monkeypatch.setattr(cache, "versions", lambda: "symgrad 99")
    store.forget()
    symgrad.grad(module.loss)(A)
    assert len(fake.compiled) == 5


def damage_edit(path):
    path.write_text(path.read_text().replace("return x\n", "return y\n"))


def damage_truncate(path):
    path.write_bytes(path.read_bytes()[:-5])


def damage_empty(path):
    path.write_bytes(b"")


def damage_binary(path):
    path.write_bytes(b"\xff\x00" * 300)


def make_writable(path):
    path.chmod(0o666)


def make_link(path):
    moved = path.with_name("moved")
    path.rename(moved)
    path.symlink_to(moved)


def make_directory(path):
    path.unlink()
    path.mkdir()


def make_foreign(path):
    os.chown(path, 65534, 65534)


needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")


@pytest.mark.parametrize(
    "harm",
    [damage_edit, damage_truncate, damage_empty, damage_binary, make_writable, make_link, make_directory,
     pytest.param(make_foreign, marks=needs_root)],
)  # fmt: skip
def test_an_unsound_file_is_ignored_with_a_warning(fake, place, tmp_path, harm):
    module = load_module(tmp_path / "model.py")
    symgrad.grad(module.loss)(A)
    harm(files(place)[0])
    store.forget()
    with pytest.warns(SymgradWarning, match="symgrad ignores"):
        assert symgrad.grad(module.loss)(A) is A
    assert len(fake.compiled) == 2


@pytest.mark.parametrize(
    "harm", [make_writable, make_link, lambda path: path.chmod(0o777), pytest.param(make_foreign, marks=needs_root)]
)
def test_an_unsafe_directory_is_not_used(fake, place, tmp_path, harm):
    module = load_module(tmp_path / "model.py")
    symgrad.grad(module.loss)(A)
    before = files(place)
    harm(place)
    store.forget()
    with pytest.warns(SymgradWarning, match="symgrad ignores"):
        assert symgrad.grad(module.loss)(A) is A
    assert len(fake.compiled) == 2
    assert files(place) == before


def test_another_users_directory(fake, place, tmp_path, monkeypatch):
    module = load_module(tmp_path / "model.py")
    symgrad.grad(module.loss)(A)
    store.forget()
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.warns(SymgradWarning, match="another user owns it"):
        symgrad.grad(module.loss)(A)


def test_a_place_that_cannot_be_written(fake, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYMGRAD_CACHE_DIR", str(tmp_path / "file" / "cache"))
    module = load_module(tmp_path / "model.py")
    with pytest.warns(SymgradWarning, match="symgrad ignores"):
        assert symgrad.grad(module.loss)(A) is A


def test_turned_off(fake, place, tmp_path, monkeypatch):
    monkeypatch.setenv("SYMGRAD_CACHE", "off")
    quiet(symgrad.grad(load_module(tmp_path / "model.py").loss), A)
    assert not place.exists()
    assert symgrad.cache_info() == symgrad.CacheInfo("", 0, 0)


def test_where_it_is(monkeypatch, tmp_path):
    monkeypatch.delenv("SYMGRAD_CACHE_DIR", raising=False)
    monkeypatch.delenv("SYMGRAD_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    for platform, wanted in [("linux", tmp_path), ("win32", tmp_path), ("darwin", Path.home() / "Library/Caches")]:
        monkeypatch.setattr(sys, "platform", platform)
        assert cache.location() == wanted / "symgrad"


def test_info_clear_and_pruning(fake, place, tmp_path, monkeypatch):
    module = load_module(tmp_path / "model.py")
    monkeypatch.setattr(cache, "MOST_FILES", 8)
    d = symgrad.grad(module.loss)
    for rank in range(12):
        d(np.zeros((2,) * rank))
    info = symgrad.cache_info()
    assert info.directory == str(place)
    assert info.files == len(files(place)) <= 8
    assert info.bytes == sum(path.stat().st_size for path in files(place))
    assert symgrad.clear_cache() == info.files
    assert files(place) == []
    symgrad.grad(module.loss)(1.0)
    assert len(fake.compiled) == 13


def test_a_new_derivative_of_the_same_function_compiles_nothing(fake, place, monkeypatch):
    monkeypatch.setenv("SYMGRAD_CACHE", "off")
    for k in (1.0, 2.0):
        fake.captures = (Capture(("closure", "k"), symgrad.runtime.signature.describe(k), "k"),)
        fake.body = "return x * k"
        assert symgrad.grad(lambda x: x * k)(3.0) == 3.0 * k  # noqa: B023
    assert len(fake.compiled) == 1


SCRIPT = """
import sys, time
sys.path[:0] = [{here!r}, {root!r}]
import symgrad
import numpy as np
from model import loss
from fake_pipeline import FakePipeline
fake = FakePipeline(body="return np.sum(x)", imports=(("numpy", "np"),)).install()
start = time.perf_counter()
value = symgrad.grad(loss)(np.ones((3, 4)))
elapsed = time.perf_counter() - start
print(value, len(fake.compiled), elapsed)
"""


def run(tmp_path, *options):
    script = SCRIPT.format(here=str(HERE), root=str(HERE.parent))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    return subprocess.Popen(
        [sys.executable, *options, "-c", script],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_warm_start_is_fast_and_imports_no_sympy(place, tmp_path):
    (tmp_path / "model.py").write_text(MODULE)
    cold, _ = run(tmp_path).communicate()
    assert cold.split()[:2] == ["12.0", "1"]
    warm, imported = run(tmp_path, "-X", "importtime").communicate()
    assert warm.split()[:2] == ["12.0", "0"]
    assert "symgrad.runtime" in imported
    for name in ("sympy", "astor", "symgrad.frontend", "symgrad.rules", "symgrad.emit"):
        assert name not in imported
    times = [float(run(tmp_path).communicate()[0].split()[2]) for _ in range(3)]
    assert min(times) < 0.010, times


def test_concurrent_processes(place, tmp_path):
    (tmp_path / "model.py").write_text(MODULE)
    processes = [run(tmp_path) for _ in range(4)]
    results = [process.communicate() for process in processes]
    assert all(out.startswith("12.0") and not error for out, error in results), results
    assert len(files(place)) == 1
    assert list(place.iterdir()) == files(place)


def test_text_is_the_same_in_every_process(place, tmp_path):
    (tmp_path / "model.py").write_text(MODULE)
    texts = []
    for seed in ("1", "2"):
        os.environ["PYTHONHASHSEED"] = seed
        try:
            run(tmp_path).communicate()
        finally:
            del os.environ["PYTHONHASHSEED"]
        (path,) = files(place)
        texts.append((path.name, path.read_text()))
        path.unlink()
    assert texts[0] == texts[1]
    assert textwrap.dedent(texts[0][1]).startswith("# sha256 ")
