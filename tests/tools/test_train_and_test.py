"""tools/train.py and tools/test.py, but for what MMEngine's runner does."""

import runpy
import sys
from pathlib import Path

import pytest
from mmengine.runner import Runner

from mmseg_ganaug.progress_hook import ProgressHook

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.mark.parametrize(
    ('tool', 'arguments'), [('train', ['--resume']), ('test', ['weights.pth'])]
)
def test_the_run_reports_how_far_it_is(tool, arguments, tmp_path, monkeypatch):
    config = tmp_path / 'config.py'
    config.write_text(f'work_dir = {str(tmp_path)!r}\n')
    hooks, ran = [], []

    class Run:
        register_hook = staticmethod(hooks.append)

        def __init__(self, cfg):
            self.cfg = cfg

        def train(self):
            assert self.cfg.resume
            ran.append(('train', len(hooks)))

        def test(self):
            assert self.cfg.load_from == 'weights.pth'
            ran.append(('test', len(hooks)))

    monkeypatch.setattr(Runner, 'from_cfg', Run)
    monkeypatch.setattr(sys, 'argv', [tool, str(config), *arguments])
    runpy.run_path(str(TOOLS / f'{tool}.py'), run_name='__main__')
    assert ran == [(tool, 1)]
    assert isinstance(hooks[0], ProgressHook)
