"""The notebook is stored without outputs, and types commands that exist.

`make notebook` runs it.
"""

import ast
import json
import re

import pytest
from documents import ROOT, commands, parser_of_command

NOTEBOOKS = sorted((ROOT / 'docs').glob('*.ipynb'))


def cells(path, kind):
    notebook = json.loads(path.read_text(encoding='utf-8'))
    return [cell for cell in notebook['cells'] if cell['cell_type'] == kind]


def source(cell):
    return ''.join(cell['source'])


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.name)
def test_no_outputs_are_stored(path):
    assert cells(path, 'code')
    for cell in cells(path, 'code'):
        assert cell['outputs'] == [] and cell['execution_count'] is None


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.name)
def test_commands_and_code_can_be_read(path):
    found = []
    for cell in cells(path, 'code'):
        if not source(cell).startswith('%%bash'):
            ast.parse(source(cell))
            continue
        text = re.sub(r'>.*', '', source(cell).split('\n', 1)[1])
        # Arguments of the cell: numbers, as the longest training is.
        text = re.sub(r'\$\d', '3', text.replace('\\\n', ' '))
        for words in commands(text):
            if words[0] == 'ganaug' and words[1] != '--version':
                parser_of_command(words[1]).parse_args(words[2:])
                found.append(words[1])
    assert found == ['toy-streets', 'bench']


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for cell in cells(path, 'markdown'):
        for link in re.findall(r'\]\(([^)#]+)', source(cell)):
            assert (path.parent / link).is_file(), link
