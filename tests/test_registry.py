import json
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


ORDERS = {
    # As with a full mmcv; on mmcv-lite, mmseg imports only after mmseg_ganaug.
    'scoped, full mmcv': """
from unittest.mock import MagicMock
sys.modules['mmcv._ext'] = MagicMock(__spec__=None)
from mmseg.registry import DATASETS
found = DATASETS.get('mmseg_ganaug.GANRecomposeDataset')
""",
    'bare, imported first': """
import mmseg_ganaug
from mmseg.registry import DATASETS
found = DATASETS.get('GANRecomposeDataset')
""",
    'bare, imported last': """
from mmseg.registry import DATASETS
import mmseg_ganaug
found = DATASETS.get('GANRecomposeDataset')
""",
    'root': """
import mmseg_ganaug
from mmengine.registry import DATASETS
found = DATASETS.get('GANRecomposeDataset')
""",
}
# Each order needs a process that has imported none of these; what they import of
# others takes longest, and is shared. This process has one thread, and may fork.
TRY_ORDERS = """
import json, os, sys, traceback
import cv2, matplotlib.pyplot, mmengine.runner, prettytable, scipy.ndimage, torchvision
ours = [n for n in sys.modules if n.split('.')[0] in ('mmcv', 'mmseg', 'mmseg_ganaug')]
assert not ours, ours
for name, code in json.loads(sys.argv[1]).items():
    child = os.fork()
    if not child:
        try:
            exec(code)
            print(f'{name}: {found.__name__}', flush=True)
        except Exception:
            traceback.print_exc()
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_data_set_is_found_by_its_name_in_each_order_of_imports():
    result = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', TRY_ORDERS, json.dumps(ORDERS)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    expected = [f'{name}: GANRecomposeDataset' for name in ORDERS]
    assert result.stdout.splitlines() == expected, result.stderr


def test_models_are_found_in_mmagics_registry():
    from mmagic.registry import MODELS

    assert MODELS.get('Pix2PixHD') is MODELS.get('mmseg_ganaug.Pix2PixHD')
    assert MODELS.get('Pix2PixHD').__module__.startswith('mmseg_ganaug.models')


def test_unknown_names_stay_unknown():
    from mmengine.registry import DATASETS

    assert DATASETS.get('NoSuchDataset') is None
    with pytest.raises(KeyError):
        DATASETS._module_dict['NoSuchDataset']
