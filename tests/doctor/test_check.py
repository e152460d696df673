"""What becomes of a check that fails, and what is printed of all of them."""

import io
import json

from mmseg_ganaug import dependencies
from mmseg_ganaug.doctor.check import (
    OK,
    PROBLEM,
    UNKNOWN,
    WARNING,
    Check,
    attempt,
    print_checks,
    print_json,
)


def test_error_of_a_check_is_its_result_with_the_remedy():
    def lacks():
        raise ModuleNotFoundError("No module named 'mmagic.apis'", name='mmagic.apis')

    check = attempt('models', lacks)
    assert check.status == PROBLEM
    assert check.remedy.startswith('pip install "mmseg_ganaug[gan]" && ')

    def refuses():
        raise dependencies.IncompatibleVersionError(
            [
                dependencies.Problem('a is wrong', 'mend a'),
                dependencies.Problem('b too', 'mend b'),
            ]
        )

    check = attempt('models', refuses)
    assert (check.message, check.remedy) == ('a is wrong; b too', 'mend a\nmend b')
    check = attempt('models', lambda: 1 / 0)
    assert check.message == 'ZeroDivisionError: division by zero'
    assert check.remedy == UNKNOWN and 'ZeroDivisionError' in check.detail


CHECKS = [
    Check('torch', OK, '2.6.0'),
    Check('disk', WARNING, 'little is free', 'free some'),
    Check('mmagic', PROBLEM, 'is missing', 'pip install mmagic'),
    Check('models', PROBLEM, 'mmagic is missing', 'pip install mmagic\npip install b'),
    Check('synthesis', PROBLEM, 'ValueError: what', UNKNOWN),
]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_lines_have_remedies_below_and_a_summary(monkeypatch):
    monkeypatch.delenv('NO_COLOR', raising=False)
    printed = io.StringIO()
    assert print_checks({'Versions': iter(CHECKS)}, printed) == CHECKS
    lines = printed.getvalue().splitlines()
    assert lines[:4] == [
        'Versions',
        '  ok       torch: 2.6.0',
        '  warning  disk: little is free',
        '           -> free some',
    ]
    # Each remedy of a problem once, in order; no advice where there are commands.
    assert lines[-4:] == [
        '1 ok, 1 warning, 3 problems',
        'To fix the problems, in this order:',
        '  pip install mmagic',
        '  pip install b',
    ]
    assert '\033' not in printed.getvalue()
    terminal = Terminal()
    print_checks({'Versions': CHECKS}, terminal)
    assert '\033[31mproblem' in terminal.getvalue()
    monkeypatch.setenv('NO_COLOR', '1')
    terminal = Terminal()
    print_checks({'Versions': CHECKS}, terminal)
    assert '\033' not in terminal.getvalue()


def test_json_holds_the_same():
    printed = io.StringIO()
    print_json({'Versions': CHECKS[:2], 'Self-test': CHECKS[2:]}, printed)
    report = json.loads(printed.getvalue())
    assert report['status'] == PROBLEM
    assert [each['section'] for each in report['checks']] == (
        ['Versions'] * 2 + ['Self-test'] * 3
    )
    second = report['checks'][1]
    assert (second['name'], second['status'], second['remedy']) == (
        'disk',
        WARNING,
        'free some',
    )
