import subprocess
import sys

import pytest

from mmseg_ganaug import compat


def run_python(code: str) -> str:
    result = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True
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
            raise compat.metadata.PackageNotFoundError(distribution)
        return found[distribution]

    monkeypatch.setattr(compat.metadata, 'version', version)


def test_version_that_does_not_fit_is_named_with_its_remedy(monkeypatch):
    versions(monkeypatch, mmcv='2.2.0')
    with pytest.raises(compat.IncompatibleVersionError) as error:
        compat.check_versions(['mmcv'])
    assert 'mmcv 2.2.0 does not fit' in str(error.value)
    assert 'pip install mmcv-lite==2.1.0' in str(error.value)


def test_missing_library_is_an_error_only_where_it_is_needed(monkeypatch):
    versions(monkeypatch)
    assert compat.version_problems(['mmcv'], missing_ok=True) == []
    with pytest.raises(compat.IncompatibleVersionError, match='not installed'):
        compat.check_versions(['mmcv'])


def test_any_of_the_distributions_of_a_library_will_do(monkeypatch):
    versions(monkeypatch, **{'mmcv-lite': '2.1.0', 'onedl-mmengine': '99.0'})
    assert compat.version_problems(['mmcv', 'mmengine']) == []


def test_checkpoints_of_mmengine_load_with_the_check_on(tmp_path):
    import numpy as np
    import torch
    from mmengine.logging import HistoryBuffer

    compat.allow_checkpoint_types()
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    path = tmp_path / 'checkpoint.pth'
    torch.save(
        {
            'state_dict': {'weight': torch.ones(2)},
            'message_hub': {
                'log': history,
                'scalar': np.float64(0.5),
                'seed': np.int64(3),
                'array': np.arange(3, dtype=np.float32),
            },
        },
        path,
    )
    loaded = torch.load(path, weights_only=True)
    assert loaded['message_hub']['log'].mean() == 1.5
    assert loaded['message_hub']['seed'] == 3


def test_foreign_objects_in_a_checkpoint_are_still_refused(tmp_path):
    import pickle
    from fractions import Fraction

    import torch

    compat.allow_checkpoint_types()
    path = tmp_path / 'checkpoint.pth'
    torch.save({'object': Fraction(1, 2)}, path)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)


def test_a_checkpoint_may_not_look_up_other_attributes():
    from mmengine.logging import HistoryBuffer

    assert compat._history_method(HistoryBuffer, 'min') is HistoryBuffer.min
    for owner, name in ((HistoryBuffer, '__class__'), (subprocess, 'Popen')):
        with pytest.raises(ValueError, match='may not look up'):
            compat._history_method(owner, name)
