import subprocess
import sys

import pytest

from mmseg_ganaug import registry

BARE_NAMES = {
    child: sorted(child.parent._module_dict._names)
    for child in vars(registry).values()
    if isinstance(child, registry.Registry)
    and child.parent is not None
    and child.scope == registry.SCOPE
}


@pytest.mark.parametrize('child', BARE_NAMES, ids=lambda child: child.name)
def test_list_of_bare_names_is_what_the_package_registers(child):
    child.import_from_location()
    assert sorted(child.module_dict) == BARE_NAMES[child]


@pytest.mark.parametrize(
    'code',
    [
        # As with a full mmcv; on mmcv-lite, mmseg imports only after mmseg_ganaug.
        'import sys\nfrom unittest.mock import MagicMock\n'
        "sys.modules['mmcv._ext'] = MagicMock(__spec__=None)\n"
        'from mmseg.registry import DATASETS\n'
        "print(DATASETS.get('mmseg_ganaug.GANRecomposeDataset').__name__)",
        'import mmseg_ganaug\nfrom mmseg.registry import DATASETS\n'
        "print(DATASETS.get('GANRecomposeDataset').__name__)",
        'from mmseg.registry import DATASETS\nimport mmseg_ganaug\n'
        "print(DATASETS.get('GANRecomposeDataset').__name__)",
        'import mmseg_ganaug\nfrom mmengine.registry import DATASETS\n'
        "print(DATASETS.get('GANRecomposeDataset').__name__)",
    ],
    ids=['scoped, full mmcv', 'bare, imported first', 'bare, imported last', 'root'],
)
def test_data_set_is_found_by_its_name(code):
    result = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True
    )
    assert result.stdout.split() == ['GANRecomposeDataset'], result.stderr


def test_models_are_found_in_mmagics_registry():
    from mmagic.registry import MODELS

    assert MODELS.get('Pix2PixHD') is MODELS.get('mmseg_ganaug.Pix2PixHD')
    assert MODELS.get('Pix2PixHD').__module__.startswith('mmseg_ganaug.models')


def test_unknown_names_stay_unknown():
    from mmengine.registry import DATASETS

    assert DATASETS.get('NoSuchDataset') is None
    with pytest.raises(KeyError):
        DATASETS._module_dict['NoSuchDataset']
