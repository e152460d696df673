import math

import pytest

from mmseg_ganaug.evaluation import Cell, Table, mark_best


def test_markdown_escapes_bars_and_marks_the_best():
    table = Table(
        ['class', 'a|b'],
        [['sky\nline', Cell('1.00', change=-0.5, best=True)]],
        title='T',
        notes=['A note.'],
    )
    assert table.to_markdown() == (
        '### T\n\n| class | a\\|b |\n| --- | ---: |\n'
        '| sky line | **1.00 (-0.50)** |\n\nA note.\n'
    )


def test_text_columns_line_up_also_with_wide_characters():
    table = Table(
        ['class', 'plain', 'Recon'],
        [['路面', '9.50', Cell('10.25', 0.75, best=True)], ['sky', '99.00', '3.00']],
    )
    from wcwidth import wcswidth

    lines = table.to_text(80).split('\n')
    assert len({wcswidth(line) for line in lines}) == 1
    assert '| 10.25 (+0.75)* |' in lines[3]
    # Numbers end in the same column, marked or not.
    assert lines[4].endswith('3.00  |')


@pytest.mark.parametrize('width', [20, 40, 60])
def test_a_wide_table_is_split_into_blocks_that_repeat_the_first_column(width):
    header = ['class', *(f'method {i}' for i in range(6))]
    table = Table(header, [['sky', *(f'{i}.00' for i in range(6))]], notes=['x ' * 60])
    text = table.to_text(width)

    assert max(map(len, text.split('\n'))) <= width
    assert all(text.count(name) == 1 for name in header[1:])
    assert all(text.count(f' {i}.00 ') == 1 for i in range(6))
    assert text.count('| class') == text.count('| sky') >= 2


def test_a_table_of_one_column_is_shown():
    assert '| sky' in Table(['class'], [['sky']]).to_text()


def test_a_table_without_rows_shows_its_headings():
    table = Table(['class', 'plain'], [], title='T')
    assert '| class | plain |' in table.to_text()
    assert table.to_markdown() == '### T\n\n| class | plain |\n| --- | ---: |\n'


def test_ragged_rows_and_repeated_headings_are_refused():
    with pytest.raises(ValueError, match=r'row 1 .*3 cells.* 2'):
        Table(['a', 'b'], [['1', '2'], ['1', '2', '3']])
    with pytest.raises(ValueError, match='not unique'):
        Table(['a', 'a'], [])
    with pytest.raises(ValueError, match='align'):
        Table(['a', 'b'], [], align='lx')


def test_a_rounded_loss_has_no_minus_zero():
    assert str(Cell('1.00', change=-0.004)) == '1.00 (+0.00)'


@pytest.mark.parametrize(
    ('values', 'best'),
    [
        ([1.0, 3.0, 2.0], [False, True, False]),
        ([1.0, 3.0, 2.999], [False, True, True]),
        ([math.nan, None, 2.0], [False, False, False]),
        ([2.0, 2.001], [False, False]),
        ([0.0, math.nan, 5.0], [False, False, True]),
    ],
)
def test_ties_share_the_mark_and_what_does_not_compete_has_none(values, best):
    assert mark_best(values) == best
