"""What runs answer to the questions of a matrix."""

import math

import pytest

from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.experiments.evidence import Evidence, worth
from mmseg_ganaug.experiments.questions import Questions

SHARE = {'road': 0.9, 'pole': 0.01}


def runs(method, *mious, **extra):
    return [
        RunResult(
            method, seed, miou, 80.0, {'road': 90.0, 'pole': miou / 2}, 'toy', extra
        )
        for seed, miou in enumerate(mious)
    ]


def evidence(results, **asked):
    return Evidence(results, Questions(**asked), SHARE)


def rows(table):
    return [[str(cell) for cell in row] for row in table.cells()]


def test_each_rung_is_compared_with_the_one_before_seed_by_seed():
    results = [
        *runs('plain', 30.0, 32.0),
        *runs('weights', 34.0, 36.0),
        *runs('pasted', 33.0, 36.0),
    ]
    ladder = ['plain', 'weights', 'pasted']
    (table,) = evidence(results, ladder=ladder).answers()
    assert list(table.header) == [
        *('Rung', 'mIoU', 'gain in mIoU', '1 rare', 'gain in 1 rare')
    ]
    plain, weights, pasted = rows(table)
    assert plain == ['plain', '31.00 ± 1.41', '', '15.50 ± 0.71', '']
    assert weights[1:] == [
        *('35.00 ± 1.41', '+4.00 ± 0.00 *', '17.50 ± 0.71', '+2.00 ± 0.00 *')
    ]
    # (33 - 34, 36 - 36): mean -0.5, and t(0.975, 1) * 0.707 / sqrt(2) = 6.35.
    assert pasted[2] == '-0.50 ± 6.35'
    assert 'Rare: pole.' in table.notes


def test_a_rung_that_was_not_run_is_shown_and_nothing_compared_with_it(tmp_path):
    results = [*runs('plain', 30.0), *runs('pasted', 33.0)]
    asked = evidence(results, ladder=['plain', 'weights', 'pasted'])
    (table,) = asked.answers()
    _, weights, pasted = rows(table)
    assert weights == ['weights', 'not run', '', 'not run', '']
    assert pasted[:3] == ['pasted', '33.00', '']
    (chart,) = asked.charts()
    chart.draw(tmp_path / 'ladder.png')
    assert (tmp_path / 'ladder.png').is_file()


@pytest.mark.parametrize(
    ('longer', 'change', 'flat'),
    [
        (40.99, '+0.99', 'yes'),
        (39.01, '-0.99', 'yes'),
        (41.0, '+1.00', 'no'),
        (39.0, '-1.00', 'no'),
    ],
)
def test_a_method_is_flat_when_twice_the_length_changes_less_than_a_point(
    longer, change, flat
):
    results = [*runs('plain', 40.0, iterations=10), *runs('long', longer)]
    (table,) = evidence(results, doubled={'plain': 'long'}).answers()
    assert rows(table) == [['plain', '10', '40.00', f'{longer:.2f}', change, flat]]


def test_what_was_not_trained_longer_is_not_called_flat():
    (table,) = evidence(runs('plain', 40.0), doubled={'plain': 'long'}).answers()
    assert rows(table)[0][3:] == ['not run'] * 3
    # Other seeds than those of the shorter training compare with nothing.
    other = [run for run in runs('long', 40.0, 40.0) if run.seed == 1]
    (table,) = evidence(
        [*runs('plain', 40.0), *other], doubled={'plain': 'long'}
    ).answers()
    assert rows(table)[0][-1] == 'not run'


def test_worth_is_interpolated_in_the_logarithm_of_the_number():
    reached = {25: 30.0, 100: 40.0, 400: 44.0}
    assert worth(35.0, reached) == '50'
    assert worth(42.0, reached) == '200'
    assert worth(30.0, reached) == '25'
    assert worth(44.0, reached) == '400'
    assert worth(29.99, reached) == 'fewer than 25'
    assert worth(44.01, reached) == 'more than 400'


def test_worth_never_falls_where_more_photos_reached_less():
    # 50 and 100 photos are levelled to their mean, 36.
    reached = {25: 30.0, 50: 37.0, 100: 35.0, 200: 40.0}
    numbers = [float(worth(value, reached)) for value in (30, 33, 36, 36.5, 38, 40)]
    assert numbers == sorted(numbers)
    assert worth(36.0, reached) == '50'
    assert worth(38.0, reached) == f'{100 * math.sqrt(2):.0f}'


def test_all_other_methods_get_their_worth_in_photos():
    results = [
        *runs('plain', 20.0),
        *runs('few', 30.0),
        *runs('many', 40.0, 42.0),
        *runs('pasted', 35.0, 36.0),
    ]
    asked = evidence(results, photos={'many': 400, 'few': 25, 'missing': 50})
    (table,) = asked.answers()
    assert rows(table) == [
        ['plain', '20.00', 'fewer than 25'],
        ['pasted', '35.50 ± 0.71', '100'],
    ]
    assert '(25: 30.00, 400: 41.00)' in table.notes[0]
    assert evidence(results[:2], photos={'few': 25, 'many': 400}).answers() == []


def test_other_methods_can_be_the_one_that_is_compared_with():
    results = [*runs('plain', 30.0), *runs('weights', 34.0), *runs('pasted', 35.0)]
    tables = evidence(results, against=['weights', 'missing']).differences()
    assert [table.title for table in tables] == [
        *('Differences to the baseline', 'Differences to weights')
    ]
    assert rows(tables[1])[0] == ['mIoU', '-4.00', '+1.00']
    assert rows(tables[1])[1][0] == '1 rare'


def test_curves_show_what_is_doubled_and_the_highest(tmp_path):
    def curve(end):
        return [[10, 5.0, {}], [20, float(end), {}]]

    results = [run for i in range(9) for run in runs(f'm{i}', 40.0, curve=curve(i))]
    results += runs('plain', 40.0, curve=curve(3)) + runs('bare', 40.0)
    (chart,) = evidence(results, doubled={'m0': 'm1'}).charts()
    assert chart.name == 'learning_curves'
    assert 'm2, m3, m4' not in chart.caption
    assert chart.caption.endswith('Left out, as they end lower: m4, m3, m2.')
    drawn = chart.draw(tmp_path / 'curves.svg').read_text()
    assert all(f'>{name}<' in drawn for name in ('plain', 'm0', 'm1', 'm8', 'm5'))
    assert '>m4<' not in drawn and '>bare<' not in drawn


def test_older_runs_without_curves_have_no_chart_and_no_answers():
    assert evidence(runs('plain', 30.0)).charts() == []
    assert evidence(runs('plain', 30.0)).answers() == []
    assert evidence(runs('plain', 30.0)).differences() == []
