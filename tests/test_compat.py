import importlib
import subprocess
import sys
import types

import pytest

from mmseg_ganaug import checkpoints, compat, dependencies


def run_python(code: str) -> str:
    result = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip().splitlines()[-1]


def test_importing_the_package_imports_neither_torch_nor_the_libraries_on_it():
    code = (
        'import sys, mmseg_ganaug\n'
        "names = ('torch', 'mmcv', 'mmseg', 'mmagic', 'diffusers', 'matplotlib')\n"
        'print([name for name in names if name in sys.modules])'
    )
    assert run_python(code) == '[]'


def test_mmseg_and_mmagic_import_on_mmcv_lite():
    code = "import mmseg_ganaug, mmseg.models, mmagic.models\nprint('imported')"
    assert run_python(code) == 'imported'


@pytest.mark.skipif(
    not checkpoints._torch_allows_by_name(), reason='torch >= 2.6 checks'
)
def test_checkpoints_of_mmengine_load_though_the_package_came_before_torch(tmp_path):
    code = (
        'import mmseg_ganaug, mmengine.runner, torch\n'
        'from mmengine.logging import HistoryBuffer\n'
        f'path = {str(tmp_path / "log.pth")!r}\n'
        'torch.save(dict(log=HistoryBuffer([1.0], [1])), path)\n'
        "print(torch.load(path, weights_only=True)['log'].current())"
    )
    assert run_python(code) == '1.0'


def test_missing_operator_says_what_to_install_when_called():
    operator = compat._MissingOps('mmcv._ext').nms
    with pytest.raises(RuntimeError, match=r"'nms'.*full mmcv"):
        operator()


def test_stand_in_is_found_for_nothing_else_and_asked_last():
    finder = compat._MissingOpsFinder()
    assert finder.find_spec('mmcv._ext').name == 'mmcv._ext'
    assert finder.find_spec('mmcv.ops') is None
    installed = [type(f) is compat._MissingOpsFinder for f in sys.meta_path]
    assert sum(installed) == 1


def versions(monkeypatch, **found):
    def version(distribution):
        if distribution not in found:
            raise dependencies.metadata.PackageNotFoundError(distribution)
        return found[distribution]

    monkeypatch.setattr(dependencies.metadata, 'version', version)


def fork_packages(monkeypatch, folder):
    """An mmcv of the forks' number, and an MMagic that asks for an older one."""
    mmagic = folder / 'mmagic'
    mmagic.mkdir()
    (mmagic / '__init__.py').write_text(
        'import mmcv\nassert mmcv.__version__ == "2.1.0", mmcv.__version__\n'
    )
    mmcv = types.ModuleType('mmcv')
    mmcv.__version__ = '2.3.6'
    monkeypatch.setitem(sys.modules, 'mmcv', mmcv)
    for name in [name for name in sys.modules if name.partition('.')[0] == 'mmagic']:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(folder))
    return mmcv


def test_mmagic_imports_beside_the_fork_of_mmcv(monkeypatch, tmp_path):
    mmcv = fork_packages(monkeypatch, tmp_path)
    monkeypatch.setattr(sys, 'meta_path', list(sys.meta_path))
    versions(monkeypatch, **{'onedl-mmcv': '2.3.6'})
    compat._accept_forks()
    compat._accept_forks()
    assert sum(isinstance(f, compat._MMagicFinder) for f in sys.meta_path) == 1
    importlib.import_module('mmagic')
    assert mmcv.__version__ == '2.3.6'
    del sys.modules['mmagic']


def test_number_of_mmcv_comes_back_when_mmagic_fails(monkeypatch, tmp_path):
    mmcv = fork_packages(monkeypatch, tmp_path)
    (tmp_path / 'mmagic' / '__init__.py').write_text('1 / 0\n')
    monkeypatch.setattr(sys, 'meta_path', [compat._MMagicFinder(), *sys.meta_path])
    with pytest.raises(ZeroDivisionError):
        importlib.import_module('mmagic')
    assert mmcv.__version__ == '2.3.6'


@pytest.mark.parametrize('stock', [{}, {'mmsegmentation': '1.2.2'}])
def test_configs_of_mmseg_are_found_in_its_fork_alone(monkeypatch, stock):
    from mmengine.config.utils import MODULE2PACKAGE

    monkeypatch.setitem(MODULE2PACKAGE, 'mmseg', 'mmsegmentation')
    versions(monkeypatch, **{'onedl-mmsegmentation': '1.4.2'}, **stock)
    compat._accept_forks()
    expected = 'mmsegmentation' if stock else 'onedl-mmsegmentation'
    assert MODULE2PACKAGE['mmseg'] == expected


def test_stock_libraries_are_left_as_they_are(monkeypatch):
    monkeypatch.setattr(sys, 'meta_path', list(sys.meta_path))
    versions(monkeypatch, **{'mmcv-lite': '2.1.0', 'mmsegmentation': '1.2.2'})
    compat._accept_forks()
    assert not any(isinstance(f, compat._MMagicFinder) for f in sys.meta_path)
