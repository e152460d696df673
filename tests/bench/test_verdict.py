"""Verdicts on simulated benches, in which the truth is known."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulated_bench import RARE, simulated_bench, simulated_counts

from mmseg_ganaug.bench.verdict import reach_verdict

ELEVEN = ['plain', *'abcdefghij']


def reach(folder, effects, seed=0, bench=None, **options):
    counts = simulated_counts(np.random.default_rng(seed), effects, **options)
    return reach_verdict(simulated_bench(folder, counts, **(bench or {})), folder)


def means_of(comparisons, treatment, against='plain'):
    return [
        each
        for each in comparisons
        if (each['treatment'], each['against']) == (treatment, against)
        and each['metric'] in ('mIoU', 'rare')
    ]


def is_above(comparisons, treatment, against='plain'):
    found = means_of(comparisons, treatment, against)
    found = [each for each in found if each['low'] is not None]
    return any(c['low'] > 0 for c in found) and not any(c['high'] < 0 for c in found)


def test_a_real_effect_is_found_and_its_treatment_named(tmp_path):
    effects = {'plain': 0, 'class-weights-sqrt': 0, 'real-pixels': 1.5}
    comparisons, verdict = reach(tmp_path, effects)
    assert (verdict['kind'], verdict['treatment']) == ('use', 'real-pixels')
    assert verdict['sentence'].startswith('Use real-pixels: +')
    found = means_of(comparisons, 'real-pixels')
    assert [each['metric'] for each in found] == ['mIoU', 'rare']
    for each in found:
        assert 0 < each['low'] < each['difference'] < each['high']
        text = f'{each["difference"]:+.1f}'
        assert text in verdict['sentence']


def test_of_two_alike_the_simpler_one_is_named(tmp_path):
    effects = {'plain': 0, 'class-weights-sqrt': 1.5, 'recon': 1.55}
    _, verdict = reach(tmp_path, effects, seed=4)
    assert verdict['treatment'] == 'class-weights-sqrt'
    assert verdict['tied'] == ['class-weights-sqrt', 'recon']
    assert verdict['kind'] == 'tied'
    assert verdict['sentence'].startswith('Use class-weights-sqrt: +')
    assert 'cannot be told apart from recon, and is the simpler.' in verdict['sentence']
    assert verdict['more'][0].startswith('recon differs from it by +')


def test_a_clearly_better_complex_one_is_named_before_a_simple_one(tmp_path):
    effects = {'plain': 0, 'class-weights-sqrt': 0.8, 'recon': 2.5}
    comparisons, verdict = reach(tmp_path, effects)
    assert (verdict['kind'], verdict['treatment']) == ('use', 'recon')
    assert is_above(comparisons, 'recon', 'class-weights-sqrt')
    assert 'class-weights-sqrt gains less, beyond chance.' in verdict['more']


def test_without_an_effect_nothing_is_named_and_what_lacks_is_stated(tmp_path):
    _, verdict = reach(tmp_path, {'plain': 0, 'focal': 0, 'recon': 0}, rare_photos=6)
    assert (verdict['kind'], verdict['treatment']) == ('nothing', None)
    text = verdict['sentence']
    assert text.startswith('Nothing here beats plain beyond chance')
    assert 'only 6 of the 40 photos that evaluate show' in text
    # Of 28 objects in 20 photos of val, 6 photos have about 8.
    assert '(8 objects)' in text
    assert {each['name'] for each in verdict['open_classes']} <= set(RARE)
    for each in verdict['open_classes']:
        assert each['interval'] > 5 and each['objects'] == 8
        assert any('24 more labels would halve' in line for line in verdict['more'])


def test_where_seeds_differ_most_more_of_them_are_asked_for(tmp_path):
    spreads = dict(seed_spread=0.9, photo_spread=0.05)
    _, verdict = reach(tmp_path, {'plain': 0, 'focal': 0, 'recon': 0}, **spreads)
    assert verdict['kind'] == 'nothing'
    assert 'because the 3 seeds differ that much' in verdict['sentence']


def test_no_end_of_an_interval_is_less_than_nothing_by_nothing(tmp_path):
    effects = {'plain': 0, 'focal': 0}
    counts = simulated_counts(np.random.default_rng(0), effects)
    counts['focal'] = counts['plain'].copy()
    _, verdict = reach_verdict(simulated_bench(tmp_path, counts), tmp_path)
    assert '-0.0' not in verdict['sentence']
    assert '(+0.0 to +0.0)' in verdict['sentence']


def test_shuffled_labels_of_rare_classes_give_no_winner(tmp_path):
    effects = {'plain': 0, 'class-weights-sqrt': 1.5, 'recon': 2}
    counts = simulated_counts(np.random.default_rng(0), effects)
    rng = np.random.default_rng(1)
    for found in counts.values():
        # What is predicted has nothing to do with what is labelled.
        for place in (-2, -1):
            found[:, :, place, 0] = found[:, :, place, 2] * rng.uniform(
                0, 0.08, found.shape[:2]
            )
    _, verdict = reach_verdict(simulated_bench(tmp_path, counts), tmp_path)
    assert verdict['kind'] == 'nothing'


def test_classes_that_nothing_learns_are_named_with_their_finding(tmp_path):
    effects = {'plain': 0, 'class-weights-sqrt': 0, 'recon': 0}
    counts = simulated_counts(np.random.default_rng(0), effects, level=-9)
    bench = simulated_bench(tmp_path, counts)
    text = 'The median object of rider is 0.4 cells wide.'
    labels = 'These labels may belong to other photos.'
    bench['diagnosis']['findings'] = [
        dict(kind='few-objects', classes=['rider'], text='Few.'),
        dict(kind='objects-below-a-cell', classes=['rider'], text=text),
        dict(kind='labels-off-photos', classes=['pole'], text=labels),
    ]
    _, verdict = reach_verdict(bench, tmp_path)
    assert verdict['kind'] == 'nothing'
    assert [line for line in verdict['more'] if line in (text, labels, 'Few.')] == [
        labels,
        text,
    ]
    assert (
        'No treatment learns pole and rider: the IoU stays below 1 %.'
        in verdict['more']
    )


def test_a_race_in_which_no_rare_class_wakes_says_that_it_was_too_short(tmp_path):
    effects = {'plain': 0, 'class-weights-sqrt': 0, 'recon': 0}
    counts = simulated_counts(np.random.default_rng(0), effects, level=-9)
    bench = simulated_bench(tmp_path, counts)
    bench['diagnosis']['findings'] = []
    _, verdict = reach_verdict(bench, tmp_path)
    assert verdict['kind'] == 'nothing'
    iterations = bench['race'][-1]['iterations']
    assert verdict['sentence'].startswith('Too short to tell: no treatment learns')
    assert f' {iterations} iterations. Give more --minutes' in verdict['sentence']
    for classes, start in (
        (['pole'], 'Too short to tell'),
        (['pole', 'rider'], 'Nothing here beats plain'),
    ):
        bench['diagnosis']['findings'] = [
            dict(kind='labels-off-photos', classes=classes, text='Wrong labels.')
        ]
        _, verdict = reach_verdict(bench, tmp_path)
        assert verdict['sentence'].startswith(start)
    # Of one of the classes nothing can be seen: that is not learning it.
    for found in counts.values():
        found[:, :, -1] = 0
    _, verdict = reach_verdict(simulated_bench(tmp_path, counts), tmp_path)
    assert verdict['sentence'].startswith('Too short to tell')


def test_what_is_wrong_is_not_the_length_where_photos_are_too_few(tmp_path):
    effects = {'plain': 0, 'focal': 0}
    _, verdict = reach(tmp_path, effects, rare_photos=1)
    assert verdict['sentence'].startswith('Nothing here beats plain beyond chance')
    assert 'Too few photos hold the rare classes' in verdict['sentence']
    for seeds in (1, 3):
        _, verdict = reach(tmp_path, effects, photos=1, rare_photos=1, seeds=seeds)
        assert verdict['sentence'].startswith('Too few photos evaluate: no class')


def test_without_rare_classes_the_width_of_the_interval_has_a_reason(tmp_path):
    counts = simulated_counts(np.random.default_rng(0), {'plain': 0, 'focal': 0})
    bench = simulated_bench(tmp_path, counts)
    bench['data']['rare'] = []
    _, verdict = reach_verdict(bench, tmp_path)
    assert verdict['kind'] == 'nothing'
    assert ' The interval is ±' in verdict['sentence']


def test_a_gain_that_costs_elsewhere_is_no_winner(tmp_path):
    counts = simulated_counts(np.random.default_rng(0), {'plain': 0, 'focal': 1.5})
    counts['focal'][..., :4, 0] = counts['focal'][..., :4, 0] * 6 // 10
    comparisons, verdict = reach_verdict(simulated_bench(tmp_path, counts), tmp_path)
    miou, rare = means_of(comparisons, 'focal')
    assert miou['high'] < 0 < rare['low']
    assert verdict['kind'] == 'nothing'
    assert any('focal gains and loses at once' in line for line in verdict['more'])


def test_one_seed_is_never_enough(tmp_path):
    comparisons, verdict = reach(tmp_path, {'plain': 0, 'recon': 3}, seeds=1)
    assert verdict['kind'] == 'nothing'
    assert 'One seed cannot tell a gain from chance' in verdict['sentence']
    assert all(each['low'] is None for each in comparisons)


def test_it_is_json_and_comes_out_the_same_again(tmp_path):
    found = reach(tmp_path, {'plain': 0, 'focal': 0.5, 'recon': 1}, rare_photos=1)
    text = json.dumps(found, allow_nan=False)
    again = reach(tmp_path, {'plain': 0, 'focal': 0.5, 'recon': 1}, rare_photos=1)
    assert json.dumps(again) == text
    (_, verdict) = found
    assert 'Nothing is known of rider: 1 of the photos' in ' '.join(verdict['more'])


def test_each_is_compared_with_plain_the_best_simpler_and_the_lead(tmp_path):
    effects = {'plain': 0, 'class-weights-sqrt': 0.5, 'focal': 0, 'recon': 2.5}
    comparisons, verdict = reach(tmp_path, effects)
    pairs = {(each['treatment'], each['against']) for each in comparisons}
    assert verdict['treatment'] == 'recon'
    assert pairs == {
        *((name, 'plain') for name in effects if name != 'plain'),
        ('focal', 'class-weights-sqrt'),
        ('recon', 'class-weights-sqrt'),
        ('class-weights-sqrt', 'recon'),
        ('focal', 'recon'),
    }
    metrics = [each['metric'] for each in comparisons if each['against'] == 'plain']
    assert sorted(set(metrics)) == sorted(['mIoU', 'rare', *RARE])


def test_seeds_that_chose_widen_the_intervals(tmp_path):
    def margin(**bench):
        effects = {'plain': 0, 'a': 0, 'b': 0}
        bench.update(simplicity=dict.fromkeys(ELEVEN, 1), entered=ELEVEN)
        comparisons, _ = reach(tmp_path, effects, bench=bench)
        miou, _ = means_of(comparisons, 'a')
        return miou['high'] - miou['low']

    assert margin(fresh_seeds=False) > 1.15 * margin(fresh_seeds=True)


def test_what_was_not_evaluated_is_an_error(tmp_path):
    with pytest.raises(ValueError, match='plain was not evaluated'):
        reach(tmp_path, {'focal': 0, 'recon': 0})
    counts = simulated_counts(np.random.default_rng(0), {'plain': 0, 'focal': 0})
    bench = simulated_bench(tmp_path, counts)
    for run in bench['runs']:
        if run['treatment'] == 'focal':
            run['seed'] += 10
    with pytest.raises(ValueError, match='the same seeds'):
        reach_verdict(bench, tmp_path)
    (tmp_path / bench['runs'][0]['counts']).unlink()
    with pytest.raises(FileNotFoundError, match='plain-seed0'):
        reach_verdict(bench, tmp_path)
    bench['runs'][0]['counts'] = None
    with pytest.raises(ValueError, match=r'plain \(seed 0\) has no counts'):
        reach_verdict(bench, tmp_path)


def test_limits_are_stated(tmp_path):
    counts = simulated_counts(np.random.default_rng(0), {'plain': 0, 'recon': 1.5})
    bench = simulated_bench(tmp_path, counts)
    bench['flat']['recon']['flat'] = False
    bench['proxy'] = {'used': True, 'name': 'PSPNet'}
    _, verdict = reach_verdict(bench, tmp_path)
    assert any(
        line.startswith('Still rising at the end: recon.') for line in verdict['more']
    )
    assert 'Measured with PSPNet in place of your network.' in verdict['more']
    assert not any('Twice the length' in line for line in verdict['more'])


def test_where_plain_training_still_rises_a_gain_may_be_time(tmp_path):
    counts = simulated_counts(np.random.default_rng(0), {'plain': 0, 'recon': 1.5})
    bench = simulated_bench(tmp_path, counts)
    bench['flat']['plain'] = dict(doubled_difference=3.71, flat=False)
    _, verdict = reach_verdict(bench, tmp_path)
    (line,) = [line for line in verdict['more'] if 'Twice the length' in line]
    assert line.startswith('Twice the length gave plain +3.7 mIoU: ')


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    seed=st.integers(0, 10**6),
    effects=st.lists(
        st.sampled_from([-1.0, 0.0, 0.7, 1.5, 1.6]), min_size=2, max_size=4
    ),
    simplicity=st.permutations([1, 2, 3, 4]),
    rare_photos=st.sampled_from([1, 3, 12]),
)
def test_a_winner_has_intervals_without_zero_and_is_the_simplest_of_those_tied(
    tmp_path, seed, effects, simplicity, rare_photos
):
    names = ['a', 'b', 'c', 'd'][: len(effects)]
    simple = dict(zip(names, simplicity))
    comparisons, verdict = reach(
        tmp_path,
        {'plain': 0, **dict(zip(names, effects))},
        seed,
        dict(simplicity=simple),
        rare_photos=rare_photos,
    )
    winners = [name for name in names if is_above(comparisons, name)]
    if verdict['kind'] == 'nothing':
        # One that begins at 0.04 is written as +0.0, and is none.
        for name in winners:
            assert all(c['low'] < 0.05 for c in means_of(comparisons, name))
        assert verdict['treatment'] is None and verdict['tied'] == []
        return
    assert verdict['treatment'] in winners
    tied = verdict['tied'] or [verdict['treatment']]
    assert set(tied) <= set(winners)
    assert verdict['treatment'] == min(tied, key=simple.get)
    for name in tied:
        for other in winners:
            assert not (other not in tied and is_above(comparisons, other, name))


@pytest.mark.slow
def test_200_benches_without_an_effect_have_at_most_10_winners(tmp_path):
    """Of eleven that enter two come to the end: those that looked best by chance."""
    rng, wins = np.random.default_rng(0), 0
    for _ in range(200):
        effects = dict.fromkeys(ELEVEN, 0)
        counts = simulated_counts(rng, effects, photos=40, rare_photos=12)
        # What chose saw the same trainings on other photos: here, on the same ones.
        sums = {name: found.sum(axis=(0, 1)) for name, found in counts.items()}
        score = {n: np.mean(s[:, 0] / s[:, 1]) for n, s in sums.items()}
        best = sorted(ELEVEN[1:], key=lambda name: -score[name])[:2]
        kept = {name: counts[name] for name in ('plain', *best)}
        simple = dict.fromkeys(ELEVEN, 1)
        bench = simulated_bench(tmp_path, kept, simple, ELEVEN)
        _, verdict = reach_verdict(bench, tmp_path)
        wins += verdict['kind'] != 'nothing'
    assert wins <= 10
